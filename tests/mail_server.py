"""A mail server that keeps what it is given, or refuses it."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from comfyhoused.adapters.mail.smtp import MailServer
from tests.ports import take_port

USER, PASSWORD = "house", "let me in"


class MailPost:
    """Listens on a free port of 127.0.0.1. `answer` is what it says to each mail."""

    def __init__(self, *, needs_login: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.tries = 0
        login: dict[str, Any] = {"auth_require_tls": False}
        if needs_login:
            login |= {
                "authenticator": _authenticate,
                "auth_required": True,
                "auth_exclude_mechanism": ["LOGIN"],
            }
        self.port = take_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, **login)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=SMTP)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
        return self.answer

    def as_server(self, **more: Any) -> MailServer:
        """Return what our side is told of it."""
        sender = "Comfyhouse <no-reply@house.example>"
        return MailServer("127.0.0.1", self.port, sender, **{"tls": "none", **more})

    @property
    def environment(self) -> dict[str, str]:
        """What a program of ours is told of it."""
        return {
            "CH_SMTP_HOST": "127.0.0.1",
            "CH_SMTP_PORT": str(self.port),
            "CH_SMTP_TLS": "none",
            "CH_SMTP_FROM": "Comfyhouse <no-reply@house.example>",
        }


def read_part(message: EmailMessage, kind: str) -> str:
    """Return the mail's text: `plain` or `html`."""
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def _authenticate(
    _server: object, _session: object, _envelope: object, _mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
