"""A browser's way to Google and back: what has to come back with it, kept in the browser, sealed.

Nothing of it is stored with us, so that strangers who begin and never come back cost nothing. The
cookie holds the latest few ways, sealed by the vault: no page, no other site and nobody under a
neighbouring name can read or make one, and what comes back in another browser belongs to no way of
that browser. A way is taken out when it is used; Google honours its code once.
"""

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from comfyhoused.kit.clock import get_now_ms
from comfyhoused.kit.errors import InvalidRequest
from comfyhoused.kit.vault import Vault, VaultLocked
from comfyhoused.web.session_cookie import SessionCookie

LASTS_SECONDS = 1800
COOKIE = SessionCookie("ch_flows", LASTS_SECONDS, is_host_bound=True)
#: Two tabs, and one that was left; more would not fit into a cookie.
_MOST = 3
_CONTEXT = "ways to Google"

Errand = Literal["sign_in", "connect", "pick"]


class FlowOver(InvalidRequest):
    """What came back from Google belongs to nothing that this browser is waiting for."""

    code = "flow_over"
    title = "That took too long, or was done already"


class Flow(BaseModel):
    """One way to Google. `user_id` is who went, '' for one who signs in; `about` what for."""

    model_config = ConfigDict(frozen=True)

    state: str
    verifier: str
    nonce: str
    errand: Errand
    next: str
    user_id: str = ""
    about: str = ""
    began_at_ms: int


_FLOWS = TypeAdapter(tuple[Flow, ...])


def make_flow(errand: Errand, next_path: str, user_id: str = "", about: str = "") -> Flow:
    """Return a way with fresh secrets; `next_path` is where it leads in the end."""
    state, verifier, nonce = (secrets.token_urlsafe(32) for _ in range(3))
    return Flow(
        state=state,
        verifier=verifier,
        nonce=nonce,
        errand=errand,
        next=next_path,
        user_id=user_id,
        about=about,
        began_at_ms=get_now_ms(),
    )


def keep_flow(request: Request, response: Response, vault: Vault, flow: Flow) -> None:
    """Have the browser remember it beside the others that are under way."""
    _write(request, response, vault, (*_read(request, vault), flow)[-_MOST:])


def get_flow(request: Request, vault: Vault, state: str) -> Flow:
    """Return the way that this browser has begun under `state`; raises FlowOver."""
    for flow in _read(request, vault):
        if secrets.compare_digest(flow.state.encode(), state.encode()):
            return flow
    raise FlowOver("Begin again: it takes a moment only.")


def forget_flow(request: Request, response: Response, vault: Vault, state: str) -> None:
    """Take it out: it was used."""
    known = _read(request, vault)
    rest = tuple(flow for flow in known if flow.state != state)
    if len(rest) != len(known):
        _write(request, response, vault, rest)


def _read(request: Request, vault: Vault) -> tuple[Flow, ...]:
    cookie = COOKIE.read(request)
    if not cookie:
        return ()
    try:
        sealed = base64.urlsafe_b64decode(cookie)
        flows = _FLOWS.validate_json(vault.open(sealed, _CONTEXT))
    except (binascii.Error, ValueError, VaultLocked, ValidationError):
        return ()
    oldest = get_now_ms() - LASTS_SECONDS * 1000
    return tuple(flow for flow in flows if flow.began_at_ms > oldest)


def _write(request: Request, response: Response, vault: Vault, flows: Sequence[Flow]) -> None:
    value = ""
    if flows:
        text = _FLOWS.dump_json(tuple(flows)).decode()
        value = base64.urlsafe_b64encode(vault.seal(text, _CONTEXT)).decode()
    COOKIE.set(response, request, value)
