"""Creator's largest screens over HTTP: gallery and home of one who has 10,000 edits of 60,000."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from bench.figures import Figure, Target, find_percentile
from bench.place import Place
from comfyhoused.creator.migrating import upgrade_database
from tests.browser.creator_stage import CreatorStage, open_stage
from tests.creator_stock import Stock
from tests.postgres import PostgresProcess

_USERS = 6
_EDITS = 10_000
_ASKS = 40
_PAGES = {
    "gallery": "/creator/gallery",
    "gallery, ready": "/creator/gallery?show=ready",
    "gallery, not finished": "/creator/gallery?show=failed",
    "gallery, waits for approval": "/creator/gallery?show=approve",
    "gallery, a preset": "/creator/gallery?preset=cinematic",
    "home": "/creator/home",
}


async def measure_creator_gallery(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Ask for each screen many times, one after the other, as a browser that is signed in."""
    del place
    with tempfile.TemporaryDirectory(prefix="bench-gallery-") as folder:
        async with _open(Path(folder)) as (stage, stock), await _sign_in(stage, stock) as browser:
            waits = {name: await _ask(browser, path) for name, path in _PAGES.items()}
    details["creator_gallery_pages_ms"] = {
        name: {"p50": find_percentile(each, 50), "p95": find_percentile(each, 95)}
        for name, each in waits.items()
    }
    return [
        Figure(
            f"Creator: {name} of {_EDITS:,} edits, p95", "ms", find_percentile(each, 95),
            Target(150),
        )
        for name, each in waits.items()
    ]  # fmt: skip


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[tuple[CreatorStage, Stock]]:
    postgres = PostgresProcess(folder / "postgres", {})
    await asyncio.to_thread(postgres.start)
    try:
        await upgrade_database(postgres.url)
        async with open_stage(folder / "stage", postgres.url) as stage:
            stocks = [
                await stage.add_user(f"{n}@example.com", plan="studio") for n in range(_USERS)
            ]
            for stock in stocks:
                await _fill(stage, stock)
            yield stage, stocks[_USERS // 2]
    finally:
        postgres.kill()


async def _sign_in(stage: CreatorStage, stock: Stock) -> httpx.AsyncClient:
    cookie = await stage.make_cookie(stock)
    jar = {cookie["name"]: cookie["value"]}
    return httpx.AsyncClient(base_url=stage.url, cookies=jar, headers={"Accept": "text/html"})


async def _ask(browser: httpx.AsyncClient, path: str) -> list[float]:
    """Return milliseconds; the first answers, while everything is cold, are not counted."""
    waits = []
    for _ in range(_ASKS + 3):
        begun = time.perf_counter()
        answer = await browser.get(path)
        waits.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, answer.text
    return waits[3:]


async def _fill(stage: CreatorStage, stock: Stock) -> None:
    source = await stock.add_source()
    async with stage.database.begin() as session:
        await fill(session, stock.user.id, source.id)


async def fill(session: AsyncSession, user_id: str, source_id: str, edits: int = _EDITS) -> None:
    """Store edits of every kind: a tenth has failed, and a few deliveries, and a few are held."""
    for statement in _make_rows(user_id, source_id, edits):
        await session.execute(text(statement))


def _make_rows(user_id: str, source_id: str, edits: int) -> Iterator[str]:
    values, numbers = f"'{user_id}', '{source_id}'", f"generate_series(1, {edits}) n"
    own = f"'{user_id}-' || n"
    yield (
        "INSERT INTO photos (id, user_id, source_id, file_key, revision, name, state, thumb_file) "
        f"SELECT 'p' || {own}, {values}, 'k' || n, 'r', 'photo ' || n || '.jpg', 'complete', "
        f"'creator/{user_id}/p/thumb.jpg' FROM {numbers}"
    )
    yield (
        "INSERT INTO edits (id, user_id, source_id, photo_id, preset, preset_version, strength, "
        "parameters_digest, state, job_id, next_try_at, created_at, finished_at) "
        f"SELECT 'e' || {own}, {values}, 'p' || {own}, "
        "(ARRAY['cinematic', 'portrait-pro', 'product-glow'])[1 + n % 3], '1', 60, 'd', "
        f"CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'finished' END, 'j' || {own}, NULL, "
        f"now() - n * interval '1 minute', now() - n * interval '1 minute' FROM {numbers}"
    )
    yield (
        "INSERT INTO deliveries (id, user_id, source_id, edit_id, state, next_try_at) "
        f"SELECT 'd' || {own}, {values}, 'e' || {own}, CASE n % 50 WHEN 1 THEN 'failed' "
        f"WHEN 3 THEN 'held' ELSE 'delivered' END, NULL FROM {numbers} WHERE n % 10 <> 0"
    )
    yield "ANALYZE"


def main() -> None:
    """Measure this alone and print it."""
    with tempfile.TemporaryDirectory() as folder:
        details: dict[str, Any] = {}
        place: Any = Path(folder)
        asyncio.run(measure_creator_gallery(place, details))
        for name, each in details["creator_gallery_pages_ms"].items():
            print(f"{name:30} p50 {each['p50']:6.1f} ms   p95 {each['p95']:6.1f} ms")


if __name__ == "__main__":
    main()
