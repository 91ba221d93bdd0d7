"""What Creator's screens refuse: strangers, forms of other sites, whatever is another user's."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select

from comfyhoused.creator.routes import install_creator
from comfyhoused.creator.tables import Delivery, Edit, Source
from comfyhoused.web.forms import FormRefused
from tests.browser.creator_stage import CreatorStage, open_stage
from tests.creator_sign_in import sign_in_creator
from tests.creator_stock import Shot, Stock, add_many_edits, paint
from tests.postgres import TestPostgres
from tools.reference import list_documented_errors

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: For anybody, or judged by something else than a session: a signed link, a push's own token.
OPEN_PAGES = ("/creator", "/creator/sign-in", "/creator/help", "/creator/goodbye")
#: Spoken to by script, with the token in a header.
UPLOADS = "/creator/uploads"
BY_OTHER_MEANS = (
    "/creator/auth/",
    "/creator/samples/",
    "/creator/google/push",
    "/creator/unsubscribe",
    "/creator/sign-out",
)


class _Noting(FastAPI):
    """Notes the routers that are mounted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[APIRouter] = []

    def include_router(self, router: APIRouter, *_: Any, **__: Any) -> None:
        self.noted.append(router)


def list_routes(method: str) -> list[str]:
    """Return the paths of Creator that take the method, ids filled in."""
    app = _Noting()
    install_creator(app)
    paths = [
        route.path
        for router in app.noted
        for route in router.routes
        if isinstance(route, APIRoute) and method in route.methods
    ]
    return [re.sub(r"\{[^}]+\}", "nothing", path) for path in paths]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres
) -> AsyncIterator[CreatorStage]:
    folder = tmp_path_factory.mktemp("creator's rules")
    async with open_stage(folder, postgres.make_database()) as stage:
        yield stage


async def sign_in(stage: CreatorStage, stock: Stock) -> httpx.AsyncClient:
    return await sign_in_creator(stage.url, stage.database, stock.user.id)


async def find_token(client: httpx.AsyncClient) -> str:
    page = await client.get("/creator/settings")
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found.group(1)


async def test_who_is_not_signed_in_is_led_to_the_sign_in(stage: CreatorStage) -> None:
    async with httpx.AsyncClient(base_url=stage.url, headers={"Accept": "text/html"}) as client:
        paths = list_routes("GET")
        assert len(paths) > 15
        for path in paths:
            if path in OPEN_PAGES or path.startswith(BY_OTHER_MEANS):
                continue
            answer = await client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/creator/sign-in"), path


async def test_no_form_is_taken_without_the_token_of_this_session(stage: CreatorStage) -> None:
    victim, other = [await stage.add_user(f"{name}@forms.example") for name in ("ann", "eve")]
    source = await victim.add_source(approves_first=True)
    (edit,) = await victim.add_edits(source, [Shot("a.jpg", paint(1, 40, 50), delivery="held")])
    async with await sign_in(stage, victim) as client, await sign_in(stage, other) as stranger:
        foreign = await find_token(stranger)
        await find_token(client)
        forms = [path for path in list_routes("POST") if not path.startswith(BY_OTHER_MEANS)]
        forms.remove(UPLOADS)
        assert len(forms) > 20
        forms += [f"/creator/edits/{edit.id}/{verb}" for verb in ("approve", "reject", "wrong")]
        for path in forms:
            for token in ("", foreign):
                fields = {"token": token, "connection": "x", "choice": "edit", "email": "x"}
                answer = await client.post(path, data=fields)
                assert answer.status_code == 403, (path, answer.status_code)
                assert FormRefused.title in answer.text, path
        new = {"once": "1", "source_id": source.id, "name": "a.jpg", "size_bytes": 9}
        begun = await client.post(UPLOADS, json=new, headers={"X-Form-Token": foreign})
        assert begun.status_code == 403
    async with stage.database.begin() as session:
        state = await session.scalar(select(Delivery.state).where(Delivery.edit_id == edit.id))
        source_state = await session.scalar(select(Source.state).where(Source.id == source.id))
    assert (state, source_state) == ("held", "active")


async def test_nothing_of_another_user_is_shown_or_changed(stage: CreatorStage) -> None:
    victim, snoop = [await stage.add_user(f"{name}@own.example") for name in ("vic", "sue")]
    source = await victim.add_source()
    secret = Shot("Secret.jpg", paint(2, 40, 50), delivery="held")
    (edit,) = await victim.add_edits(source, [secret])
    (failed,) = await victim.add_edits(source, [Shot("Broken.jpg", paint(3, 40, 50), "failed")])
    page, photo = f"/creator/edits/{edit.id}", f"/creator/photos/{edit.photo_id}"
    shown = [page, *(f"{page}/{kind}" for kind in ("parts", "thumb", "preview", "download"))]
    shown += [f"{photo}/thumb", f"{photo}/preview", f"/creator/sources/{source.id}"]
    async with await sign_in(stage, victim) as client:
        for path in shown:
            assert (await client.get(path)).status_code in (200, 303), path
    async with await sign_in(stage, snoop) as client:
        token = await find_token(client)
        for path in shown:
            assert (await client.get(path)).status_code == 404, path
        for path in ("home", "gallery", "skipped", "sources", "notifications"):
            assert "Secret" not in (await client.get(f"/creator/{path}")).text
        edits = [f"{page}/{verb}" for verb in ("retry", "cancel", "again", "wrong", "approve")]
        folder = f"/creator/sources/{source.id}"
        folders = [folder, *(f"{folder}/{verb}" for verb in ("pause", "remove", "backlog"))]
        for path in (*edits, *folders):
            fields = {"token": token, "preset": "cinematic", "name_template": "{name}"}
            assert (await client.post(path, data=fields)).status_code == 404, path
        fields = {"token": token, "verb": "retry", "edit": failed.id}
        assert (await client.post("/creator/gallery/bulk", data=fields)).status_code == 303
    async with stage.database.begin() as session:
        state = await session.scalar(select(Edit.state).where(Edit.id == failed.id))
        source_state = await session.scalar(select(Source.state).where(Source.id == source.id))
    assert (state, source_state) == ("failed", "active")


async def test_the_gallery_shows_every_edit_once_page_by_page(stage: CreatorStage) -> None:
    stock = await stage.add_user("long@pages.example")
    await add_many_edits(stage.database, await stock.add_source(), 130)
    seen: list[str] = []
    path: str | None = "/creator/gallery"
    async with await sign_in(stage, stock) as client:
        while path:
            page = await client.get(path)
            assert page.status_code == 200
            assert "130 edits" in page.text
            seen += re.findall(r'data-edit="(edit_\d+)"', page.text)
            older = re.search(r'href="([^"]+)">Show older', page.text)
            path = older.group(1).replace("&amp;", "&") if older else None
        failed = await client.get("/creator/gallery?show=failed")
        nonsense = await client.get("/creator/gallery?before=nonsense")
        odd = await client.get("/creator/gallery?show=' or 1=1")
    assert seen == [f"edit_{i:06}" for i in range(130)]
    assert re.findall(r'data-edit="(edit_\d+)"', failed.text) == ["edit_000099"]
    assert nonsense.status_code == 400
    assert "130 edits" in odd.text


async def test_a_form_that_cannot_be_kept_says_why_on_its_page(stage: CreatorStage) -> None:
    stock = await stage.add_user("faults@pages.example", plan="creator")
    source = await stock.add_source()
    folder = f"/creator/sources/{source.id}"
    async with await sign_in(stage, stock) as client:
        token = await find_token(client)
        fields = {"token": token, "preset": "cinematic", "strength": "60"}
        wrong = await client.post(folder, data={**fields, "name_template": "edited"})
        assert wrong.status_code == 422
        assert "Nothing was saved" in wrong.text
        assert 'value="edited"' in wrong.text  # what was typed stays
        too_strong = {**fields, "strength": "101", "name_template": "{name}"}
        assert (await client.post(folder, data=too_strong)).status_code == 422
        for amount in ("", "-5", "1e3", "12.345", "99999999"):
            answer = await client.post(
                "/creator/plan/cap", data={"token": token, "dollars": amount}
            )
            assert answer.status_code == 422, amount
        lost = await client.get("/creator/nowhere")
        assert lost.status_code == 404
        assert 'data-door="creator"' in lost.text
    async with stage.database.begin() as session:
        row = await session.get_one(Source, source.id)
    assert (row.name_template, row.strength) == ("{name}_{preset}", 60)


async def test_both_doors_are_open_on_the_front_page_and_priced(stage: CreatorStage) -> None:
    async with httpx.AsyncClient(base_url=stage.url, headers={"Accept": "text/html"}) as client:
        front = await client.get("/")
        pricing = await client.get("/pricing")
        landing = await client.get("/creator")
    assert front.status_code == pricing.status_code == landing.status_code == 200
    assert 'href="/creator">Open Creator' in front.text
    assert 'href="/creator/sign-in">Start free' in pricing.text
    assert "Coming" not in front.text + pricing.text
    assert 'href="/creator/sign-in">Try 10' in landing.text


async def test_every_documented_error_has_a_page(stage: CreatorStage) -> None:
    """Errors of both doors, and those that only workers raise."""
    async with httpx.AsyncClient(base_url=stage.url, headers={"Accept": "text/html"}) as client:
        for error in list_documented_errors():
            page = await client.get(f"/errors/{error.code}")
            assert page.status_code == 200, error.code
            assert error.title.replace("'", "&#39;") in page.text
        assert (await client.get("/errors/never_heard_of")).status_code == 404
