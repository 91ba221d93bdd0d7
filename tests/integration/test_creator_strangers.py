"""One user with the ids of another, and forms that no page of ours has sent: nothing is done.

Routes are taken from the application as it is mounted: one that is new is tried, or it has to be
named here with a reason.
"""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.api.problems import install_problem_handlers
from comfyhoused.creator.notifications import list_notifications
from comfyhoused.creator.routes import install_creator
from comfyhoused.creator.sessions import create_session, list_browsers
from comfyhoused.creator.tables import (
    Connection,
    Delivery,
    Edit,
    Entry,
    Notification,
    Photo,
    Session,
    Source,
    Upload,
    User,
)
from comfyhoused.kit.ids import make_id
from comfyhoused.settings import Settings
from tests.creator_sign_in import create_user, make_creator_cookie
from tests.creator_stock import Shot, Stock, paint
from tests.near_app import open_near_app

POLICY = "content-security-policy"
ROW_KINDS = (User, Session, Connection, Source, Photo, Edit, Delivery, Entry, Notification, Upload)
#: Anybody may ask these; what they were sent is what permits them.
OPEN = {"/creator/google/push", "/creator/unsubscribe/{kind}/{user_id}/{signature}"}
#: Not the user's: pictures of presets, the same for everybody.
PUBLIC = "/creator/samples/{preset}/{version}/{number}/{side}"
#: Anybody may open these; they show nothing of anybody's.
FOR_GUESTS = {
    "/creator",
    "/creator/auth/callback",
    "/creator/auth/google",
    "/creator/goodbye",
    "/creator/help",
    "/creator/sign-in",
    PUBLIC,
}
#: Forms in which no id can be named: they are about whoever is signed in.
ABOUT_ONESELF = {
    "/creator/account/browsers/end-others",
    "/creator/account/delete",
    "/creator/account/export",
    "/creator/plan/cap",
    "/creator/settings",
    "/creator/sign-out",
    "/creator/sources/pause",
    "/creator/sources/resume",
}


class Scene(NamedTuple):
    """A house with two users: who asks, and whose `ids` they ask with."""

    client: httpx.AsyncClient
    database: Database
    user: User
    other: User
    ids: dict[str, str]
    folder: Path


def list_routes() -> list[tuple[str, str]]:
    def walk(routes: Sequence[object]) -> Iterator[tuple[str, str]]:
        for route in routes:
            if isinstance(route, APIRoute):
                yield from ((method, route.path) for method in sorted(route.methods))
            else:
                yield from walk(route.original_router.routes)  # type: ignore[attr-defined]

    app = FastAPI(openapi_url=None)
    install_problem_handlers(app)
    install_creator(app)
    return sorted(set(walk(app.routes)))


@pytest.fixture
async def scene(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    valkey_url: str,
    redis: object,
) -> AsyncIterator[Scene]:
    monkeypatch.setenv("CH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CH_DATABASE_URL", database_url)
    monkeypatch.setenv("CH_REDIS_URL", valkey_url)
    monkeypatch.setenv("CH_GOOGLE_CLIENT_ID", "id")
    monkeypatch.setenv("CH_GOOGLE_CLIENT_SECRET", "secret")
    database = open_database(database_url)
    user = await create_user(database)
    other = await create_user(database, "grace@example.com")
    ids = await stock(database, tmp_path, other)
    async with open_near_app(Settings.load()) as client:
        name, value = await make_creator_cookie(database, user.id)
        client.cookies.set(name, value)
        yield Scene(client, database, user, other, ids, tmp_path)
    await database.aclose()


async def stock(database: Database, folder: Path, user: User) -> dict[str, str]:
    """Give a user something of everything; returns the ids by what routes call them."""
    stock = Stock(database, LocalStorage(folder / "data" / "files", b"x" * 32), user)
    source = await stock.add_source()
    connection = await stock.add_connection()
    shots = [Shot("a.jpg", paint(1)), Shot("b.jpg", paint(2), "failed", None)]
    done, failed = await stock.add_edits(source, shots)
    upload = make_id("upload")
    async with database.begin() as session:
        more = {"once": "one", "name": "c.jpg", "size_bytes": 1_000_000}
        session.add(Upload(id=upload, user_id=user.id, source_id=source.id, **more))
        note = Notification(id=make_id("note"), user_id=user.id, kind="k", once="o", title="t")
        session.add(note)
        await create_session(session, user.id, "theirs")
        browser, *_ = await list_browsers(session, user.id)
    return {
        "edit_id": failed.id,
        "done_id": done.id,
        "photo_id": done.photo_id,
        "source_id": source.id,
        "connection_id": connection.id,
        "upload_id": upload,
        "browser_id": browser.id,
        "note_id": note.id,
    }


async def read_rows(database: Database, user: User) -> dict[str, Any]:
    """Return everything that is stored of a user."""
    async with database.begin() as session:
        rows = {}
        for kind in ROW_KINDS:
            owner = kind.id if kind is User else kind.user_id  # type: ignore[attr-defined]
            found = await session.scalars(select(kind).where(owner == user.id))
            rows[kind.__tablename__] = sorted(
                str([getattr(row, column.name) for column in row.__table__.columns])
                for row in found
            )
    return rows


async def find_token(client: httpx.AsyncClient) -> str:
    page = await client.get("/creator/account")
    assert page.status_code == 200, page.text
    found = re.search(r'name="token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def test_no_route_gives_or_changes_what_is_anothers(scene: Scene) -> None:
    client, ids = scene.client, scene.ids
    before = await read_rows(scene.database, scene.other)
    token = await find_token(client)
    form = {"token": token, "preset": "cinematic", "strength": "60", "choice": "edit"}
    headers = {"X-Form-Token": token, "Upload-Offset": "0"}
    asked = 0
    for method, path in list_routes():
        if "{" not in path or path in OPEN or path == PUBLIC:
            continue
        assert set(re.findall(r"{(\w+)}", path)) <= ids.keys(), f"with what is {path} tried?"
        for edit_id in (ids["edit_id"], ids["done_id"]):
            url = path.format(**{**ids, "edit_id": edit_id})
            data: dict[str, Any] = {"data": form} if method == "POST" else {}
            if method == "PATCH":
                data = {"content": b"\xff\xd8\xff" + bytes(300_000)}
            answer = await client.request(method, url, headers=headers, **data)
            if "{browser_id}" in path or method == "DELETE":
                assert answer.status_code in (204, 303), (method, url, answer.status_code)
            else:
                assert answer.status_code == 404, (method, url, answer.status_code)
            asked += 1
    assert asked > 30
    assert await read_rows(scene.database, scene.other) == before


async def test_no_field_names_what_is_anothers(scene: Scene) -> None:
    client, ids = scene.client, scene.ids
    before = await read_rows(scene.database, scene.other)
    token = await find_token(client)
    con, source = ids["connection_id"], ids["source_id"]
    posts: list[tuple[str, dict[str, Any]]] = [
        ("/creator/google/disconnect", {"connection": con}),
        ("/creator/welcome/folders", {"kind": "drive", "connection": con, "raw": "x"}),
        ("/creator/welcome/source", {"kind": "drive", "connection": con, "raw": "x"}),
        ("/creator/welcome/source", {"kind": "local", "raw": f"{scene.other.email}/Raw"}),
        ("/creator/skipped/again", {"photo": ids["photo_id"]}),
        ("/creator/notifications/read", {"note": ids["note_id"]}),
        ("/creator/gallery/bulk", {"verb": "retry", "edit": [ids["edit_id"]]}),
        ("/creator/gallery/bulk", {"verb": "approve", "edit": [ids["done_id"]]}),
        ("/creator/gallery/retry-all", {}),
    ]
    tried = {path for path, _ in posts} | OPEN | ABOUT_ONESELF | {"/creator/uploads"}
    forms = {path for method, path in list_routes() if method != "GET" and "{" not in path}
    assert forms <= tried, "a form is new: name another's ids in it, or say that it takes none"
    for path, fields in posts:
        answer = await client.post(path, data={"token": token, **fields})
        assert answer.status_code in (303, 400, 404, 409, 422, 503), (path, answer.status_code)
    for path in (
        f"/creator/google/connect?connection={con}",
        f"/creator/google/pick-folder?connection={con}",
        f"/creator/google/pick-photos?source={source}",
    ):
        assert (await client.get(path)).status_code == 404, path
    begun = await client.post(
        "/creator/uploads",
        json={"once": "x", "source_id": source, "name": "a.jpg", "size_bytes": 5},
        headers={"X-Form-Token": token},
    )
    assert begun.status_code == 400
    gallery = await client.get(f"/creator/gallery?source={source}")
    assert "a.jpg" not in gallery.text
    assert await read_rows(scene.database, scene.other) == before
    async with scene.database.begin() as session:
        assert (await list_notifications(session, scene.user.id)).items == []


async def test_no_form_without_our_token_does_anything(scene: Scene) -> None:
    client = scene.client
    await find_token(client)
    own = await stock(scene.database, scene.folder, scene.user)
    before = await read_rows(scene.database, scene.user)
    for method, path in list_routes():
        if method in ("GET", "HEAD") or path in OPEN:
            continue
        url = path.format(**own)
        fields = {"email": scene.user.email, "connection": own["connection_id"], "choice": "edit"}
        body: dict[str, Any] = {"data": {"token": "1.forged", **fields}}
        if path == "/creator/uploads":
            body = {"json": {"once": "x", "source_id": "s", "name": "a", "size_bytes": 5}}
        headers = {"X-Form-Token": "forged", "Upload-Offset": "0"}
        answer = await client.request(method, url, headers=headers, **body)
        assert answer.status_code == 403, (method, url, answer.status_code)
    assert await read_rows(scene.database, scene.user) == before


async def test_who_has_not_signed_in_gets_nothing(scene: Scene) -> None:
    scene.client.cookies.clear()
    for method, path in list_routes():
        if path in OPEN or path in FOR_GUESTS or path == "/creator/sign-out":
            continue
        url = path.format(**scene.ids)
        answer = await scene.client.request(method, url, headers={"Upload-Offset": "0"})
        assert answer.status_code in (303, 401, 422), (method, url, answer.status_code)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/creator/sign-in")


async def test_no_answer_is_kept_by_anybody_or_framed(scene: Scene) -> None:
    """Whatever a signed-in user opens: no cache keeps it, no other site frames it."""
    own = await stock(scene.database, scene.folder, scene.user)
    for method, path in list_routes():
        if method != "GET" or path in (*OPEN, PUBLIC, "/creator/news"):
            continue
        url = path.format(**{**own, "edit_id": own["done_id"]})
        answer = await scene.client.get(url)
        kept, policy = (answer.headers.get(one, "") for one in ("cache-control", POLICY))
        is_page = "text/html" in answer.headers.get("content-type", "")
        is_picture = answer.headers.get("content-type", "").startswith("image/")
        assert (
            "no-store" in kept
            or (is_picture and "private" in kept)
            or (answer.status_code == 303 and not kept)
        ), (url, answer.status_code, kept)
        if is_page:
            assert "frame-ancestors 'none'" in policy, url
            assert "unsafe" not in policy, url
        if is_picture:
            assert "sandbox" in policy, url
        if is_page or is_picture:
            assert answer.headers.get("x-content-type-options") == "nosniff", url
