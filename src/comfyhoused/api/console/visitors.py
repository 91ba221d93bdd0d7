"""Who may use the page's forms: in development whoever opens it, as the demo account.

In production they are closed: there people sign in and work in the console. The visitor's
browser never gets a key: the page acts for it, behind signed forms.
"""

import ipaddress
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Request

from comfyhoused.api.house import ApiHouse, House, Principal
from comfyhoused.api.key_records import SCOPES
from comfyhoused.core.jobs.record import Job, JobNotFound, find_job
from comfyhoused.kit.errors import Forbidden
from comfyhoused.settings import Settings
from comfyhoused.web.forms import FormGuard

#: The account that `comfyhoused up` makes its key for.
DEMO_ACCOUNT = "demo"

Place = Literal["sandbox", "comfyui"]


class PageClosed(Forbidden):
    """The page's forms work in development only; in production use the API with a key."""

    code = "page_closed"
    title = "The page takes no work here"


class HostUnknown(Forbidden):
    """The page was opened under a name that is not this house's.

    A stranger's name may point to this machine, and would then share the page's rights.
    """

    code = "host_unknown"
    title = "The page was opened under a foreign name"


@dataclass(frozen=True, slots=True)
class Visitor:
    """One who may use the forms. `visit` is what the browser's cookie holds."""

    house: ApiHouse
    guard: FormGuard
    visit: str
    request: Request

    def check_form(self, token: str) -> None:
        """Raise FormRefused unless a page of ours sent the form."""
        self.guard.check(self.request, token)


def make_principal(place: Place) -> Principal:
    """Return for whom the page works: test mode is the sandbox, live mode a real ComfyUI."""
    mode: Literal["live", "test"] = "test" if place == "sandbox" else "live"
    return Principal(DEMO_ACCOUNT, mode, "business", SCOPES)


OWNERS = tuple(make_principal(place).owner for place in ("sandbox", "comfyui"))


def make_guard(settings: Settings) -> FormGuard:
    """Return what signs this house's forms."""
    return FormGuard(settings.house.secret.get_secret_value().encode())


def find_reason_closed(request: Request, settings: Settings) -> Forbidden | None:
    """Return why this request may not use the forms, or None."""
    if settings.house.mode != "development":
        return PageClosed("Send your work to the API with a key: see /docs.")
    if not _is_own_name(_read_host(request), settings):
        known = settings.http.base_url
        return HostUnknown(f"Open {known}, or name this address in CH_PUBLIC_URL.")
    return None


def _read_host(request: Request) -> str:
    """Return the name that the browser used; '' for what cannot be read.

    Starlette takes the server's own address in place of a name that it finds malformed, but
    browsers take more letters for a name than it does.
    """
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_own_name(host: str, settings: Settings) -> bool:
    own = {"localhost", settings.http.host, urlsplit(settings.http.base_url).hostname}
    if host in own or host.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True  # a number cannot be pointed elsewhere by a stranger


def get_visitor(request: Request, house: House) -> Visitor:
    """Return who uses the forms; raises PageClosed or HostUnknown."""
    reason = find_reason_closed(request, house.resources.settings)
    if reason is not None:
        raise reason
    guard = make_guard(house.resources.settings)
    return Visitor(house, guard, guard.get_visit(request), request)


PageVisitor = Annotated[Visitor, Depends(get_visitor)]


async def get_page_job(house: ApiHouse, job_id: str) -> Job:
    """Return a job of the demo account, of either mode; raises JobNotFound."""
    job = await find_job(house.resources.store, job_id)
    if job is None or job.owner not in OWNERS or job.is_erasing:
        raise JobNotFound(f"No job {job_id[:64]!r}. It may have been erased.")
    return job
