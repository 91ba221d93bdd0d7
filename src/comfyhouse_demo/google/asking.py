"""An app's request to be let in, as it stands in the address of the sign-in page."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from comfyhouse_demo.google.house import Client
from comfyhouse_demo.google.scopes import BASIC, DRIVE_FILE, read_scopes


class BadRequest(Exception):
    """The request cannot even be answered by sending its reader back."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for what. `picks`: files are to be picked as well (`trigger_onepick`)."""

    client: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str
    nonce: str
    challenge: str
    challenge_method: str
    is_offline: bool
    prompt: frozenset[str]
    login_hint: str
    includes_granted: bool
    picks: bool
    picks_folders: bool
    picks_many: bool
    mime_types: tuple[str, ...]

    @property
    def boxes(self) -> list[str]:
        """The scopes that the user may refuse one by one."""
        return [scope for scope in self.scopes if scope not in BASIC]

    def make_return(self, **values: str) -> str:
        """Return where the browser goes back to, with these values and the state."""
        together = {**values, **({"state": self.state} if self.state else {})}
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode(together)}"


def read_asking(query: Mapping[str, str], client: Client) -> Asking:
    """Read the request; raises BadRequest with what is wrong."""
    if query.get("client_id") != client.id:
        raise BadRequest("invalid_client: the OAuth client was not found.")
    redirect_uri = query.get("redirect_uri", "")
    if not _is_known(redirect_uri, client):
        raise BadRequest("redirect_uri_mismatch: this address is not registered.")
    if query.get("response_type") != "code":
        raise BadRequest("unsupported_response_type: only `code` is.")
    if not query.get("scope"):
        raise BadRequest("invalid_request: missing required parameter: scope")
    if query.get("trigger_onepick") == "true":
        _check_picking(query)
    return Asking(
        client=client.id,
        redirect_uri=redirect_uri,
        scopes=tuple(read_scopes(query["scope"])),
        state=query.get("state", ""),
        nonce=query.get("nonce", ""),
        challenge=query.get("code_challenge", ""),
        challenge_method=query.get("code_challenge_method", "plain"),
        is_offline=query.get("access_type") == "offline",
        prompt=frozenset(query.get("prompt", "").split()),
        login_hint=query.get("login_hint", ""),
        includes_granted=query.get("include_granted_scopes") == "true",
        picks=query.get("trigger_onepick") == "true",
        picks_folders=query.get("allow_folder_selection") == "true",
        picks_many=query.get("allow_multiple") == "true",
        mime_types=tuple(one for one in query.get("mimetypes", "").split(",") if one),
    )


def _check_picking(query: Mapping[str, str]) -> None:
    """Files are picked with `drive.file` alone, and only where consent is asked for."""
    if query["scope"].split() != [DRIVE_FILE] or query.get("include_granted_scopes") == "true":
        raise BadRequest("invalid_scope: picking files takes the scope drive.file alone.")
    if "consent" not in query.get("prompt", "").split():
        raise BadRequest("invalid_request: picking files needs prompt=consent.")


def _is_known(uri: str, client: Client) -> bool:
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        return False
    origin = f"{parts.scheme}://{parts.netloc}"
    return not client.origins or origin in client.origins
