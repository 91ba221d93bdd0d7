"""The console's pages in Chromium: what they show, how they stand, what their forms do."""

import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.console_stage import (
    WORKFLOW,
    OpenConsole,
    Stock,
    make_console_opener,
    stock_account,
)
from tests.browser.test_look import find_serious, get_overflow
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

KEEPER = "keeper"


@pytest_asyncio.fixture(loop_scope="session")
async def open_console(open_page: OpenPage, house: House) -> OpenConsole:
    return make_console_opener(open_page, house)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stock(house: House) -> Stock:
    """The account `keeper`, which has something on every page."""
    return await stock_account(house, KEEPER)


def list_pages(stock: Stock) -> list[str]:
    return [
        "/console",
        "/console/jobs",
        "/console/jobs?state=canceled",
        f"/console/jobs/{stock.succeeded}",
        f"/console/jobs/{stock.failed}",
        "/console/keys",
        "/console/webhooks",
        f"/console/webhooks/{stock.endpoint}",
        "/console/plan",
        "/console/workflows",
        "/console/playground?mode=live",
        f"/console/playground/workflows/{WORKFLOW}?mode=live",
    ]


async def check_looks(page: Page, address: str) -> None:
    """Fail on serious findings of axe, light or dark, and where a small phone scrolls sideways."""
    await page.emulate_media(color_scheme="light")
    await page.goto(address)
    assert await find_serious(page) == [], address
    await expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert await get_overflow_on_phone(page) == 0, address
    await page.emulate_media(color_scheme="dark")
    # Only colours differ in the dark.
    assert await find_serious(page, "color-contrast") == [], address


async def get_overflow_on_phone(page: Page) -> int:
    await page.set_viewport_size({"width": 320, "height": 700})
    overflow = await get_overflow(page)
    await page.set_viewport_size({"width": 1280, "height": 900})
    return overflow


async def test_every_page_of_a_full_account_stands(
    open_console: OpenConsole, house: House, stock: Stock
) -> None:
    page = await open_console(account=KEEPER)
    for path in list_pages(stock):
        await check_looks(page, house.url + path)


async def test_every_page_of_an_empty_account_stands_and_says_what_to_do(
    open_console: OpenConsole, house: House
) -> None:
    page = await open_console(account="newcomer", plan="free")
    for path, words in {
        "/console": "Nothing has run yet",
        "/console/jobs": "No live jobs yet",
        "/console/keys": "No keys yet",
        "/console/webhooks": "Your plan does not include webhooks",
        "/console/workflows": "Your plan does not include registered workflows",
        "/console/plan": "stops at its included units",
        "/console/playground/upscale": "Run it, and the picture hangs here",
    }.items():
        await check_looks(page, house.url + path)
        await expect(page.locator("#main")).to_contain_text(words)


async def test_home_shows_what_is_used_and_what_ran(
    open_console: OpenConsole, stock: Stock
) -> None:
    page = await open_console(account=KEEPER)
    await expect(page.get_by_role("img", name=re.compile("Units a day.*2 in all"))).to_be_visible()
    await page.get_by_text("Show as a table").click()
    await expect(page.get_by_role("row", name=re.compile("so far"))).to_contain_text("2")
    rows = page.locator(".list > li")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0).locator(".state")).to_have_text("Failed")
    await rows.nth(1).get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("two red boats")


async def test_a_jobs_page_tells_its_story(open_console: OpenConsole, stock: Stock) -> None:
    page = await open_console(f"/console/jobs/{stock.succeeded}", account=KEEPER)
    moments = page.locator(".time > li > div")
    await expect(moments.first).to_contain_text("Received")
    await expect(moments.last).to_contain_text("Delivered")
    pictures = page.locator("main .mat img")
    await expect(pictures).to_have_count(2)
    for picture in await pictures.all():
        assert await picture.evaluate("async i => (await i.decode(), i.naturalWidth)") == 64
    await page.get_by_text("Show the document").click()
    await expect(page.locator("#the-document")).to_contain_text('"status": "succeeded"')

    await page.get_by_role("button", name="Run again").click()
    await expect(page.locator(".head .state")).to_have_text("Succeeded")
    assert stock.succeeded not in page.url
    await expect(page.locator("main .mat img")).to_have_count(2)

    await page.get_by_text("Erase this job").click()
    await page.get_by_role("button", name="Erase for good").click()
    await page.wait_for_url("**/console/jobs?mode=live")
    await expect(page.locator("tbody tr")).to_have_count(2)


async def test_a_failed_job_names_its_error(open_console: OpenConsole, stock: Stock) -> None:
    page = await open_console(f"/console/jobs/{stock.failed}", account=KEEPER)
    await expect(page.locator(".notice--failed")).to_contain_text("node_failed")
    await expect(page.locator("#main")).to_contain_text("It did not count against your plan")
    await expect(page.locator(".wedge .bad")).to_have_text("Failed")


async def test_a_running_job_is_followed_and_canceled(
    open_console: OpenConsole, house: House
) -> None:
    house.engine.hold()
    try:
        async with await house.make_client(account="runner") as client:
            answer = await client.post("/api/v1/jobs", json={"prompt": "a slow boat"})
        job_id = answer.json()["job_id"]
        page = await open_console(f"/console/jobs/{job_id}", account="runner")
        await expect(page.locator(".head .state")).to_have_text(re.compile("Making|Running"))
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".head .state")).to_have_text("Canceled")
    finally:
        house.engine.let_go()
    await expect(page.locator(".notice")).to_contain_text("did not count")


async def test_a_key_is_shown_once_rotated_and_revoked_by_keyboard(
    open_console: OpenConsole, house: House
) -> None:
    page = await open_console("/console/keys", account="locksmith")
    await page.get_by_label("Name").fill("Shop backend")
    await page.get_by_label("Name").press("Enter")
    secret = await page.locator("#the-secret").text_content()
    assert secret
    assert secret.startswith("sk_test_")
    answer = await page.request.get(
        f"{house.url}/api/v1/jobs", headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status == 200
    assert await find_serious(page) == []
    await page.goto(f"{house.url}/console/keys")
    assert secret not in await page.content()

    await page.locator("summary", has_text="Rotate").press("Enter")
    await page.get_by_label("The old one works").select_option("0")
    await page.get_by_role("button", name="Make the new key").press("Enter")
    fresh = await page.locator("#the-secret").text_content()
    assert fresh
    assert fresh != secret
    refused = await page.request.get(
        f"{house.url}/api/v1/jobs", headers={"Authorization": f"Bearer {secret}"}
    )
    assert refused.status == 401

    await page.locator("summary", has_text="Revoke").first.click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Revoke Shop backend")).to_be_hidden()
    await page.locator("summary", has_text="Revoke").first.click()
    await page.get_by_role("button", name="Revoke Shop backend").click()
    await expect(page.get_by_text("Revoked").first).to_be_visible()


async def test_a_webhook_is_added_tested_rotated_and_deleted(open_console: OpenConsole) -> None:
    page = await open_console("/console/webhooks", account="teller", expected="status of ")
    await page.get_by_label("Address", exact=True).fill("https://10.0.0.1/hooks")
    await page.get_by_role("button", name="Add address").click()
    await expect(page.locator("#url-error")).to_be_visible()
    await page.get_by_label("Address", exact=True).fill("https://hooks.example/pictures")
    await page.get_by_label("usage.threshold").uncheck()
    await page.get_by_role("button", name="Add address").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("hooks.example")

    await page.get_by_text("Show the secret").click()
    first = await page.locator("#secret-1").text_content()
    assert first
    assert first.startswith("whsec_")
    await page.get_by_text("Rotate the secret").click()
    await page.get_by_role("button", name="Make a new secret").click()
    await page.get_by_text("Show the secret").click()
    assert await page.locator("#secret-1").text_content() != first
    assert await page.locator("#secret-2").text_content() == first

    await page.get_by_role("button", name="Send a test").click()
    await page.get_by_role("link", name="webhook.test").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("webhook.test")
    assert await find_serious(page) == []
    await page.go_back()
    await page.get_by_role("button", name="Send again").click()
    await expect(page.get_by_role("status").first).to_contain_text("missed nothing")
    await page.get_by_role("button", name="Disable").click()
    await expect(page.locator(".head .state")).to_have_text("Disabled")
    await page.get_by_text("Delete this address").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.locator("#main")).to_contain_text("Nobody is told yet")


async def test_the_spend_cap_is_set_refused_and_taken_away(open_console: OpenConsole) -> None:
    page = await open_console("/console/plan", account="saver", expected="status of 422")
    cap = page.get_by_label("Dollars a month")
    for typed, words in (("25.50", "$25.50 is set"), ("0", "$0 is set"), ("", "No cap is set")):
        await cap.fill(typed)
        await page.get_by_role("button", name="Set cap").click()
        await expect(page.locator("#dollars-hint")).to_contain_text(words)
    await cap.fill("a lot")
    await page.get_by_role("button", name="Set cap").click()
    await expect(cap).to_have_attribute("aria-invalid", "true")
    await expect(cap).to_be_focused()
    await expect(cap).to_have_value("a lot")


async def test_a_phone_reaches_every_page(open_console: OpenConsole) -> None:
    page = await open_console(width=390)
    bar = page.get_by_role("navigation", name="Console, short")
    for name in ("Playground", "Jobs", "Keys", "Plan", "Home"):
        await bar.get_by_role("link", name=name).click()
        await expect(bar.locator("[aria-current=page]")).to_have_text(name)
    await page.get_by_label("Account", exact=True).first.click()
    await page.get_by_role("link", name="Webhooks").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")


async def test_signing_in_by_the_link_and_out_again(open_page: OpenPage, house: House) -> None:
    page = await open_page("/console/jobs")
    await page.wait_for_url("**/console/sign-in?next=*")
    assert await find_serious(page) == []
    await page.get_by_label("Mail address").fill("ilse@example.com")
    await page.get_by_role("button", name="Mail me a link").click()
    await page.locator("main a[href*='/console/sign-in/']").first.click()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    side = page.get_by_role("navigation", name="Console", exact=True)
    await expect(side).to_contain_text("ilse@example.com")
    await side.get_by_role("button", name="Sign out").click()
    await page.goto(f"{house.url}/console")
    await page.wait_for_url("**/console/sign-in")
