"""The field "connect your ComfyUI": look at a server, say what it is, add it to the house.

It makes this process open connections to an address that a form names. That is why it
exists in development only, behind a signed form, and tells no more than what a ComfyUI is.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from comfyhoused.adapters.comfyui.client import ComfyClient, Hello
from comfyhoused.adapters.comfyui.errors import BackendBroken, BackendUnreachable
from comfyhoused.adapters.redis.client import Store
from comfyhoused.api.console.pages import PAGES, render_page
from comfyhoused.api.console.visitors import PageVisitor
from comfyhoused.core.fleet.added import add_backend, normalise_address, remove_backend
from comfyhoused.core.fleet.backends import list_statuses
from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.kit.errors import BackendFailure, Conflict

router = APIRouter(prefix="/page/servers", include_in_schema=False)

_HTTP_SECONDS = 8.0


class NotComfyUI(BackendFailure):
    """Something answers at the address, but not as a ComfyUI does."""

    code = "not_comfyui"
    title = "That is not a ComfyUI server"


class AlreadyConnected(Conflict):
    """The server works for this house already, under another address.

    Twice in the fleet, it would be given twice the work, and each half would miss frames.
    """

    code = "already_connected"
    title = "That server is here already"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a server said of itself."""

    url: str
    version: str
    checkpoints: tuple[str, ...]
    node_count: int
    has_pack: bool
    boot_id: str


async def inspect_server(url: str) -> Finding:
    """Ask a server what it is; raises BackendUnreachable or NotComfyUI."""
    client = ComfyClient(
        url, http_timeout_seconds=_HTTP_SECONDS, post_timeout_seconds=_HTTP_SECONDS
    )
    try:
        stats = await client.get_system_stats()
        system = stats.get("system")
        if not isinstance(system, dict) or "comfyui_version" not in system:
            raise NotComfyUI("Something answers there, but it gives no ComfyUI version.")
        info = await client.get_object_info()
        hello = await client.get_hello()
    except BackendBroken as error:
        raise NotComfyUI(f"Something answers there, but not as ComfyUI: {error.detail}") from error
    except BackendUnreachable as error:
        raise _explain(url, error) from error
    finally:
        await client.close()
    return _make_finding(url, system, info, hello)


def _make_finding(
    url: str, system: dict[str, Any], info: dict[str, Any], hello: Hello | None
) -> Finding:
    return Finding(
        url=url,
        version=str(system["comfyui_version"]),
        checkpoints=tuple(parse_catalogue(info).checkpoints),
        node_count=len(info),
        has_pack=hello is not None and hello.has_fence,
        boot_id=hello.boot_id if hello is not None else "",
    )


def _explain(url: str, error: BackendUnreachable) -> BackendUnreachable:
    if error.refused:
        detail = (
            f"Nothing listens at {url}. Start ComfyUI with --listen if it runs on another "
            "machine, and check the port."
        )
        return BackendUnreachable(detail, refused=True)
    return BackendUnreachable(f"{url} did not answer in {_HTTP_SECONDS:.0f} s.")


@router.post("")
async def connect(
    visitor: PageVisitor,
    request: Request,
    token: Annotated[str, Form()] = "",
    address: Annotated[str, Form()] = "",
) -> Response:
    """Look at the server and add it; workers take it up within seconds."""
    visitor.check_form(token)
    url = normalise_address(address)
    finding = await inspect_server(url)
    await _check_is_new(visitor.house.resources.store, finding)
    await add_backend(visitor.house.resources.store, url)
    if "text/html" in request.headers.get("accept", ""):
        return render_page(request, visitor.house, "connected.html", finding=finding)
    return PAGES.render("_finding.html", finding=finding)


async def _check_is_new(store: Store, finding: Finding) -> None:
    for status in await list_statuses(store):
        is_same_life = bool(finding.boot_id) and status.boot_id == finding.boot_id
        if is_same_life and (status.is_engine or status.url != finding.url):
            name = "our own sandbox" if status.is_engine else status.url
            raise AlreadyConnected(f"It is {name}.")


@router.post("/{backend_id}/remove")
async def disconnect(
    visitor: PageVisitor, backend_id: str, token: Annotated[str, Form()] = ""
) -> Response:
    """Forget an added server; what it is making it still makes."""
    visitor.check_form(token)
    await remove_backend(visitor.house.resources.store, backend_id)
    return RedirectResponse("/#house", status_code=303)
