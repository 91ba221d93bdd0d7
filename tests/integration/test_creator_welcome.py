"""From signing in to the first edit: folders chosen or made, a preset, and what lies there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from comfyhoused.adapters.google.grants import DRIVE, Grant, Identity
from comfyhoused.creator.connecting import store_connection
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.onboarding import make_offer
from comfyhoused.creator.plans import CreatorPlanBook
from comfyhoused.creator.probing import probe_connection
from comfyhoused.creator.sources.opening import open_drive
from comfyhoused.creator.tables import Connection, Photo, Source, User
from comfyhoused.creator.watching.backlog import Backlog
from comfyhoused.creator.watching.watcher import Watcher
from tests.creator_books import make_usage
from tests.creator_google_stage import Answers, GoogleStage, read_query
from tests.creator_sign_in import create_user
from tests.google import FULL_SCOPES
from tests.pictures import encode, make_image
from tests.waiting import wait_until

WELCOME = "/creator/welcome"
PRESET = {"preset": "cinematic", "strength": "60"}


@pytest.fixture
def stage(google_stage: GoogleStage) -> GoogleStage:
    return google_stage


@pytest.fixture
async def house(stage: GoogleStage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CreatorHouse]:
    async with stage.open_house(monkeypatch) as opened:
        yield opened


@asynccontextmanager
async def watching(house: CreatorHouse) -> AsyncIterator[None]:
    watcher = asyncio.create_task(Watcher(house, "watcher of the tests").work())
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher


async def read_token(browser: httpx.AsyncClient) -> str:
    page = await browser.get("/creator/settings")
    return page.text.partition('name="token" value="')[2].partition('"')[0]


async def post(browser: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    return await browser.post(path, data={**fields, "token": await read_token(browser)})


async def get_connection(house: CreatorHouse, person: dict[str, Any]) -> Connection:
    async with house.database.begin() as session:
        query = select(Connection).where(Connection.google_sub == person["sub"])
        return (await session.scalars(query)).one()


async def get_source(house: CreatorHouse, source_id: str) -> Source:
    async with house.database.begin() as session:
        return await session.get_one(Source, source_id)


async def wait_listed(house: CreatorHouse, source_id: str) -> None:
    async def is_listed() -> bool:
        return (await get_source(house, source_id)).reconciled_at is not None

    await wait_until(is_listed)


async def list_states(house: CreatorHouse, source_id: str) -> list[str]:
    """Return the state of every photo of the source, with why it was skipped."""
    query = select(Photo.state, Photo.skip_code).where(Photo.source_id == source_id)
    async with house.database.begin() as session:
        return [f"{state} {code or ''}".strip() for state, code in await session.execute(query)]


async def open_page(browser: httpx.AsyncClient, path: str) -> httpx.Response:
    """Return the page, which a busy database may put off for a while (503)."""
    answers: list[httpx.Response] = []

    async def is_there() -> bool:
        answers.append(await browser.get(path))
        return answers[-1].status_code != 503

    await wait_until(is_there)
    assert answers[-1].status_code == 200, answers[-1].text
    return answers[-1]


async def test_a_drive_is_set_up_by_the_buttons_alone(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = stage.google.add_user("setup@demo.example", "Set Up")
    async with stage.sign_in(person) as browser:
        first = await browser.get(WELCOME)
        assert "Connect Google Drive" in first.text
        back = await stage.walk(
            browser, f"/creator/google/connect?next={WELCOME}", Answers(person["sub"])
        )
        places = await browser.get(back.headers["location"])
        assert "Make the folders" in places.text
        assert "Pick one of mine" in places.text
        connection = await get_connection(house, person)

        made = await post(browser, f"{WELCOME}/folders", kind="drive", connection=connection.id)
        again = await post(browser, f"{WELCOME}/folders", kind="drive", connection=connection.id)
        assert made.headers["location"] == again.headers["location"]
        pair = read_query(made.headers["location"])
        assert pair["name"] == "Comfyhouse / Raw"
        names = {one["name"]: one for one in stage.google.list_files(person)}
        assert {"Comfyhouse", "Raw", "Edited"} <= set(names)
        assert len(names) == 4  # with the top
        assert pair["raw"] == names["Raw"]["id"]

        presets = await browser.get(made.headers["location"])
        assert "Cinematic" in presets.text
        stored = await post(browser, f"{WELCOME}/source", **pair, **PRESET)
        assert stored.status_code == 303, stored.text
        step = stored.headers["location"]
        source = await get_source(house, step.rpartition("/")[2])
        assert (source.raw_key, source.edited_key) == (pair["raw"], pair["edited"])
        assert (source.name, source.preset) == ("Comfyhouse / Raw", "cinematic")
        assert "looking through" in (await browser.get(step)).text

        taken = await post(browser, f"{WELCOME}/source", **pair, **PRESET)
        assert taken.status_code == 409

        async with watching(house):
            await wait_listed(house, source.id)
        page = await browser.get(step)
        assert "No photo lies there yet" in page.text
        assert "stays unseen" in page.text
        looked = await browser.get(f"{step}?{urlencode({'since': '2026-01-01T00:00:00+00:00'})}")
        assert "We see nothing new" in looked.text
        assert (await browser.get(f"{step}?since=yesterday")).status_code == 400

        done = await post(browser, f"{step}/backlog", choice="leave")
        assert done.headers["location"].startswith("/creator/home")
    async with house.database.begin() as session:
        user = (await session.scalars(select(User).where(User.id == source.user_id))).one()
    assert user.onboarded_at is not None


async def test_a_folder_that_was_picked_gets_one_for_results(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = stage.google.add_user("picks@demo.example", "Picks")
    wedding = stage.google.add_folder(person, "Wedding")
    async with stage.sign_in(person) as browser:
        await stage.walk(browser, "/creator/google/connect", Answers(person["sub"]))
        connection = await get_connection(house, person)
        next_page = urlencode({"next": f"{WELCOME}?connection={connection.id}"})
        path = f"/creator/google/pick-folder?connection={connection.id}&{next_page}"
        back = await stage.walk(browser, path, Answers(person["sub"], picked=(wedding["id"],)))
        page = await browser.get(back.headers["location"])
        assert "You picked “Wedding”" in page.text
        made = await post(
            browser, f"{WELCOME}/folders", kind="drive", connection=connection.id, raw=wedding["id"]
        )
        pair = read_query(made.headers["location"])
        assert pair["raw"] == wedding["id"]
        edited = await open_drive(house, connection.id).get_file(pair["edited"])
        # What lies above it was not given to us: the results go into it.
        assert (edited.name, edited.parents) == ("Wedding Edited", (wedding["id"],))


async def test_a_whole_drive_is_looked_through_here(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = stage.google.add_user("whole@demo.example", "Whole")
    shop = stage.google.add_folder(person, "Shop")
    new = stage.google.add_folder(person, "New & raw", shop["id"])
    for number in range(3):
        name, content = f"IMG_{number}.jpg", encode(make_image(), "JPEG")
        photo = stage.google.add_file(person, name, content, new["id"])
        stage.google.change(photo["id"], overrides={"createdTime": "2026-01-01T00:00:00.000Z"})
    async with stage.sign_in(person) as browser:
        connection = await allow_whole_drive(stage, house, person)
        assert "Choose one of mine" in (await browser.get(WELCOME)).text
        top = await browser.get(f"{WELCOME}/drive/{connection.id}")
        assert "My Drive" in top.text
        assert shop["id"] in top.text
        inner = await browser.get(f"{WELCOME}/drive/{connection.id}?key={new['id']}")
        assert "New &amp; raw" in inner.text
        assert "Watch this folder" in inner.text
        gone = await browser.get(f"{WELCOME}/drive/{connection.id}?key=nothing")
        assert gone.status_code == 404
        made = await post(
            browser, f"{WELCOME}/folders", kind="drive", connection=connection.id, raw=new["id"]
        )
        pair = read_query(made.headers["location"])
        edited = await open_drive(house, connection.id).get_file(pair["edited"])
        assert (edited.name, edited.parents) == ("New & raw Edited", (shop["id"],))
        stored = await post(browser, f"{WELCOME}/source", **pair, **PRESET)
        step = stored.headers["location"]
        source_id = step.rpartition("/")[2]
        async with watching(house):
            await wait_listed(house, source_id)
        assert await list_states(house, source_id) == ["backlog"] * 3
        page = await open_page(browser, step)
        assert "3 photos are there already" in page.text, page.text
        assert "3 of the 10 edits" in page.text
        assert "every photo that is put into your folders" in page.text
        assert (await post(browser, f"{step}/backlog", choice="edit")).status_code == 303
    assert await list_states(house, source_id) == ["seen"] * 3


async def test_a_disk_of_the_house_is_set_up_without_google(
    stage: GoogleStage, house: CreatorHouse
) -> None:
    person = stage.google.add_user("disk@demo.example", "Disk")
    async with stage.sign_in(person) as browser:
        made = await post(browser, f"{WELCOME}/folders", kind="local")
        pair = read_query(made.headers["location"])
        home = stage.photos / "disk@demo.example"
        assert (home / "Raw").is_dir()
        assert (home / "Edited").is_dir()
        (home / "Shop").mkdir()
        stored = await post(browser, f"{WELCOME}/source", **pair, **PRESET)
        assert stored.status_code == 303
        page = await browser.get(WELCOME)
        assert 'value="disk@demo.example/Shop"' in page.text
        assert 'value="disk@demo.example/Raw"' not in page.text  # is watched already
        chosen = await post(
            browser, f"{WELCOME}/folders", kind="local", raw="disk@demo.example/Shop"
        )
        assert read_query(chosen.headers["location"])["edited"] == "disk@demo.example/Shop Edited"


async def test_nobody_gets_at_what_is_not_theirs(stage: GoogleStage, house: CreatorHouse) -> None:
    person = stage.google.add_user("mine@demo.example", "Mine")
    other = await create_user(house.database, "theirs@demo.example")
    whole = stage.google.add_user("theirs2@demo.example", "Theirs")
    foreign = await allow_whole_drive(stage, house, whole, user_id=other.id)
    (stage.photos / "theirs@demo.example" / "Raw").mkdir(parents=True)
    async with stage.sign_in(person) as browser:
        for path in ("theirs@demo.example/Raw", "../etc", "/etc", "mine@demo.example/../x"):
            refused = await post(browser, f"{WELCOME}/folders", kind="local", raw=path)
            assert refused.status_code in (400, 403, 404, 422), path
            fields = {"kind": "local", "raw": path, "edited": "mine@demo.example/E", "name": "x"}
            assert (await post(browser, f"{WELCOME}/source", **fields, **PRESET)).status_code >= 400
        drive = {"kind": "drive", "connection": foreign.id}
        assert (await post(browser, f"{WELCOME}/folders", **drive)).status_code == 404
        fields = {**drive, "raw": "a", "edited": "b", "name": "x"}
        assert (await post(browser, f"{WELCOME}/source", **fields, **PRESET)).status_code == 404
        assert (await browser.get(f"{WELCOME}/drive/{foreign.id}")).status_code == 404
        pick = await browser.get(f"/creator/google/pick-folder?connection={foreign.id}")
        assert pick.status_code == 404
        forged = await browser.post(f"{WELCOME}/folders", data={"kind": "local"})
        assert forged.status_code == 403
        strange = await post(
            browser, f"{WELCOME}/source", kind="local", preset="no-such", strength="60"
        )
        assert strange.status_code == 404


@pytest.mark.parametrize(
    ("plan", "taken", "cap_cents", "count", "offer"),
    [
        ("free", 4, 0, 3, (3, 0, 0, 0)),
        ("free", 4, 0, 8, (6, 0, 0, 2)),
        ("creator", 90, 0, 30, (10, 0, 0, 20)),
        ("creator", 90, 500, 15, (10, 5, 250, 0)),
        ("creator", 90, 500, 30, (10, 10, 500, 10)),
        ("creator", 104, 500, 30, (0, 6, 300, 24)),
    ],
)
def test_the_offer_says_what_it_would_cost(
    plan: str, taken: int, cap_cents: int, count: int, offer: tuple[int, int, int, int]
) -> None:
    found = CreatorPlanBook.load(None).get(plan)
    usage = make_usage(found, charged=taken, cap_cents=cap_cents)
    made = make_offer(Backlog(count, 0, 0, is_counted=True), usage)
    assert (made.included, made.beyond, made.cost_cents, made.waiting) == offer
    assert made.is_asked


async def allow_whole_drive(
    stage: GoogleStage, house: CreatorHouse, person: dict[str, Any], user_id: str = ""
) -> Connection:
    """Connect a person's whole Drive, as a house that Google has verified does."""
    tokens = stage.google.allow(person, FULL_SCOPES)
    grant = Grant(
        tokens["access_token"], 3600, frozenset({DRIVE}), refresh_token=tokens["refresh_token"]
    )
    identity = Identity(person["sub"], person["email"], person["name"])
    async with house.database.begin() as session:
        if not user_id:
            query = select(User.id).where(User.google_sub == person["sub"])
            user_id = (await session.scalars(query)).one()
        connection = await store_connection(session, house, user_id, identity, grant)
    probe = await probe_connection(house, connection.id)
    assert probe.mode == "full"
    return connection
