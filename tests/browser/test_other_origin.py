"""A customer's own page submits a job and follows it with a client token, from another origin."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

_PAGE = """<!doctype html><html lang="en"><title>Shop</title><p id="state">-</p><p id="events"></p>
<p id="limits"></p><canvas id="picture" width="64" height="64"></canvas><script type="module">
const say = (id, text) => document.getElementById(id).textContent = text
window.run = async (api, shown, seed) => {
  const headers = {Authorization: `Bearer ${shown}`, 'Content-Type': 'application/json',
    'Idempotency-Key': `shop-${seed}`}
  const body = JSON.stringify({prompt: 'a red boat', width: 64, height: 64, steps: 1, seed})
  const sent = await fetch(`${api}/api/v1/jobs`, {method: 'POST', headers, body})
  const job = await sent.json()
  if (!sent.ok) return say('state', `${sent.status} ${job.code}`)
  say('limits', sent.headers.get('RateLimit-Limit') ? 'readable' : 'hidden')
  const source = new EventSource(`${api}/api/v1/jobs/${job.job_id}/events?token=${shown}`)
  const seen = []
  for (const kind of ['job.queued', 'job.running', 'job.succeeded', 'job.failed'])
    source.addEventListener(kind, async () => {
      seen.push(kind)
      if (kind !== 'job.succeeded' && kind !== 'job.failed') return
      source.close()
      say('events', seen.join(' '))
      const done = await (await fetch(`${api}/api/v1/jobs/${job.job_id}`, {headers})).json()
      const bytes = await (await fetch(new URL(done.image_url, api))).blob()
      const bitmap = await createImageBitmap(bytes)
      document.getElementById('picture').getContext('2d').drawImage(bitmap, 0, 0)
      say('state', `${done.status} ${bitmap.width}x${bitmap.height}`)
    })
}
say('state', 'ready')
</script></html>"""


class _Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = _PAGE.encode()
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of the customer's page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


async def make_token(house: House, **body: Any) -> str:
    answer = await house.client.post("/api/v1/client-tokens", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["client_token"])


async def run(browser: Browser, shop: str, house: House, shown: str, seed: int) -> Page:
    page = await (await browser.new_context()).new_page()
    await page.goto(shop)
    await expect(page.locator("#state")).to_have_text("ready")
    await page.evaluate("([...all]) => window.run(...all)", [house.url, shown, seed])
    return page


async def test_a_page_submits_and_follows(browser: Browser, shop: str, house: House) -> None:
    token = await make_token(house, allowed_origins=[shop], max_jobs=1)
    page = await run(browser, shop, house, token, 1)
    await expect(page.locator("#state")).to_have_text("succeeded 64x64")
    await expect(page.locator("#events")).to_contain_text("job.queued")
    await expect(page.locator("#events")).to_contain_text("job.succeeded")
    await expect(page.locator("#limits")).to_have_text("readable")
    await page.context.close()
    page = await run(browser, shop, house, token, 2)
    await expect(page.locator("#state")).to_have_text("403 client_token_spent")
    await page.context.close()


async def test_a_page_is_told_why_it_is_refused(browser: Browser, shop: str, house: House) -> None:
    token = await make_token(house, allowed_origins=["https://shop.example"])
    page = await run(browser, shop, house, token, 3)
    await expect(page.locator("#state")).to_have_text("403 origin_refused")
    await page.context.close()
    page = await run(browser, shop, house, await house.make_key(), 4)
    await expect(page.locator("#state")).to_have_text("403 key_in_browser")
    await page.context.close()
