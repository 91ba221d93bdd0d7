"""/console/playground: run anything by a form, watch it, and take the same request as code."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from comfyhoused.api.acceptance import accept
from comfyhoused.api.console.benches import Bench, get_bench, list_benches
from comfyhoused.api.console.code_samples import Sample, write_samples
from comfyhoused.api.console.console_pages import redirect_to, render_console, wants_data
from comfyhoused.api.console.controls import PREFIX, read_values
from comfyhoused.api.console.forecast import Forecast, make_forecast
from comfyhoused.api.console.form_faults import FormIncomplete
from comfyhoused.api.console.home_page import list_latest
from comfyhoused.api.console.pages import PAGES
from comfyhoused.api.console.signed_in import SignedIn
from comfyhoused.api.key_secrets import KeyMode
from comfyhoused.core.files.records import File, list_files
from comfyhoused.kit.errors import ComfyhouseError, Problem, make_problem

router = APIRouter(prefix="/console/playground", include_in_schema=False)

_EARLIER = 6
_FILES = 12
FIRST = "text-to-image"
#: Stands in the form at first, so that one press shows what this is.
EXAMPLE_PROMPT = "Evening sea, low sun, long swell, thin cloud"


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as somebody filled it: its texts, and what is wrong with them.

    `is_sent`: the whole form, so that what is not among the texts is empty.
    """

    texts: dict[str, str] = field(default_factory=dict)
    problem: Problem | None = None
    is_sent: bool = False


@router.get("")
async def show_first(member: SignedIn, mode: KeyMode = "test") -> Response:
    """Show the playground with what most come for."""
    return await _show(member, FIRST, mode, Filled())


@router.get("/{name:path}")
async def show_bench(
    member: SignedIn, request: Request, name: str, mode: KeyMode = "test"
) -> Response:
    """Show the form of one template or workflow; the address may fill its inputs."""
    given = {PREFIX + key: value for key, value in request.query_params.items() if key != "mode"}
    return await _show(member, name, mode, Filled(given))


@router.post("/{name:path}")
async def use_bench(
    member: SignedIn,
    request: Request,
    name: str,
    mode: Annotated[KeyMode, Query()] = "test",
) -> Response:
    """Run what the form asks for, or only look at it; see the buttons' `action`."""
    form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    member.check_form(form.get("token", ""))
    action = form.get("action", "run")
    if action in ("live", "test"):
        other: KeyMode = "live" if action == "live" else "test"
        return await _show(member, name, other, Filled(form, is_sent=True))
    if action == "part":
        return await _render_side(member, name, mode, form)
    if action == "look":
        return await _show(member, name, mode, await _check(member, name, mode, form))
    try:
        job_id = await _run(member, name, mode, form)
    except ComfyhouseError as error:
        if wants_data(member):
            raise
        return await _show(member, name, mode, Filled(form, make_problem(error), is_sent=True))
    page = f"/console/jobs/{job_id}"
    if wants_data(member):
        return JSONResponse({"job_id": job_id, "page": page}, status_code=202)
    return redirect_to(page)


def _read(bench: Bench, form: dict[str, str]) -> dict[str, Any]:
    values, faults = read_values(bench.controls, form)
    if faults:
        raise FormIncomplete(faults[0]["detail"], errors=faults)
    return values


async def _run(member: SignedIn, name: str, mode: KeyMode, form: dict[str, str]) -> str:
    bench = await get_bench(member.house, member.make_principal(mode), name)
    request = bench.make_request(_read(bench, form))
    admission = await accept(member.house, member.make_principal(mode), request, "")
    return admission.job_id


async def _check(member: SignedIn, name: str, mode: KeyMode, form: dict[str, str]) -> Filled:
    try:
        bench = await get_bench(member.house, member.make_principal(mode), name)
        bench.make_request(_read(bench, form))
    except ComfyhouseError as error:
        return Filled(form, make_problem(error), is_sent=True)
    return Filled(form, is_sent=True)


async def _render_side(
    member: SignedIn, name: str, mode: KeyMode, form: dict[str, str]
) -> Response:
    """Give the part of the page that follows the form: estimate and code."""
    bench = await get_bench(member.house, member.make_principal(mode), name)
    forecast, samples = await _look_ahead(member, bench, mode, form)
    return PAGES.render("console/_ahead.html", forecast=forecast, samples=samples)


async def _look_ahead(
    member: SignedIn, bench: Bench, mode: KeyMode, form: dict[str, str]
) -> tuple[Forecast, tuple[Sample, ...]]:
    values, faults = read_values(bench.controls, form)
    base_url = member.house.resources.settings.http.base_url
    samples = write_samples(base_url, bench.make_call(values))
    if faults:
        return Forecast(words="Fill in the form to see what it costs."), samples
    return await make_forecast(member, mode, bench, values), samples


async def _show(member: SignedIn, name: str, mode: KeyMode, filled: Filled) -> Response:
    bench = await get_bench(member.house, member.make_principal(mode), name)
    texts = filled.texts
    if not filled.is_sent:
        defaults = {control.field: control.value for control in bench.controls}
        texts = {**defaults, **(texts or _give_example(bench))}
    forecast, samples = await _look_ahead(member, bench, mode, texts)
    problem = filled.problem
    return render_console(
        member,
        "console/playground.html",
        nav="Playground",
        status_code=200 if problem is None else problem["status"],
        bench=bench,
        benches=await list_benches(member.house, member.make_principal(mode)),
        mode=mode,
        texts=texts,
        problem=problem,
        faults={fault.get("pointer"): fault["detail"] for fault in problem["errors"]}
        if problem
        else {},
        forecast=forecast,
        samples=samples,
        own_files=await _list_pictures(member, mode),
        earlier=[job for job in await list_latest(member, 2 * _EARLIER) if job.pictures][:_EARLIER],
    )


def _give_example(bench: Bench) -> dict[str, str]:
    is_template = any(control.pointer == "/prompt" for control in bench.controls)
    return {f"{PREFIX}prompt": EXAMPLE_PROMPT} if is_template else {}


async def _list_pictures(member: SignedIn, mode: KeyMode) -> list[File]:
    """Return the account's newest pictures, to choose from."""
    owner = member.make_principal(mode).owner
    page = await list_files(member.house.resources.store, owner, limit=_FILES, cursor=None)
    return [file for file in page.items if file.width]
