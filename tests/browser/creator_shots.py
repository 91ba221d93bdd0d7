"""Pictures of every screen of Creator to look at: `python -m tests.browser.creator_shots DIR`.

Every screen full, empty, busy and failed; as a phone and a desk see it; light and dark. Names that
follow the folder choose: `… DIR home edit` takes those only.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.browser.creator_cast import Cast, cast_users
from tests.browser.creator_stage import CreatorStage, open_stage
from tests.chromium import find_chromium
from tests.postgres import TestPostgres

_VIEWS = (
    ("desk-light", 1440, 900, "light"),
    ("phone-light", 390, 844, "light"),
    ("desk-dark", 1440, 900, "dark"),
    ("phone-dark", 390, 844, "dark"),
)


async def main(folder: Path, wanted: Sequence[str]) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        postgres = TestPostgres(Path(place) / "postgres")
        try:
            async with open_stage(Path(place) / "stage", postgres.make_database()) as stage:
                await _take_all(stage, folder, wanted)
        finally:
            postgres.stop()


async def _take_all(stage: CreatorStage, folder: Path, wanted: Sequence[str]) -> None:
    cast = await cast_users(stage)
    asked = [word for word in wanted if word in ("light", "dark", "phone", "desk")]
    views = [view for view in _VIEWS if all(word in view[0] for word in asked)]
    names = [word for word in wanted if word not in asked]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        for view in views:
            await _take_view(browser, stage, cast, folder, view, names)
        await browser.close()


async def _take_view(
    browser: Browser,
    stage: CreatorStage,
    cast: Cast,
    folder: Path,
    view: tuple[str, int, int, str],
    names: Sequence[str],
) -> None:
    label, width, height, scheme = view
    for scene in cast.scenes:
        if names and not any(scene.name.startswith(name) for name in names):
            continue
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
            has_touch=width < 500,
            is_mobile=width < 500,
        )
        if scene.cookie:
            await context.add_cookies([scene.cookie])
        page = await context.new_page()
        page.on("console", lambda message, name=scene.name: print(name, message.text)
                if message.type in ("error", "warning") else None)  # fmt: skip
        await page.goto(stage.url + scene.path)
        await page.wait_for_load_state("load")
        await page.evaluate("document.fonts.ready")
        if scene.act:
            await page.evaluate(scene.act)
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            print(f"{scene.name} {label}: {wide} px too wide")
        await page.screenshot(path=folder / f"{scene.name}-{label}.png", full_page=True)
        await context.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
