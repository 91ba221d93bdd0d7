"""What the pages refuse: strangers' forms, foreign names, other accounts, production."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

HTML = {"Accept": "text/html"}
FORMS = {
    "/page/pictures": {"prompt": "a red boat"},
    "/page/sample-edits": {"recipe": "daylight"},
    "/page/servers": {"address": "127.0.0.1:1"},
    "/page/servers/some/remove": {},
}


@asynccontextmanager
async def open_front(house: House, **headers: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Give a browser-like client that has opened the front page, and its form token."""
    async with httpx.AsyncClient(
        base_url=house.url, headers={**HTML, **headers}, timeout=60
    ) as client:
        page = await client.get("/")
        token = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
        yield client, token.group(1) if token else ""


async def count_jobs(house: House) -> int:
    return sum(
        [await house.store.zcard(f"ch:1:owner:account:demo{mode}:jobs") for mode in ("", ":test")]
    )


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_needs_the_token_of_this_very_browser(house: House, path: str) -> None:
    before = await count_jobs(house)
    async with open_front(house) as (ours, token), open_front(house) as (_, foreign):
        for data in (FORMS[path], {**FORMS[path], "token": foreign}):
            answer = await ours.post(path, data=data)
            assert answer.status_code == 403
            assert "form_refused" in answer.text
        bare = await httpx.AsyncClient().post(
            house.url + path, data={**FORMS[path], "token": token}
        )
        assert bare.status_code == 403
    assert await count_jobs(house) == before
    assert await house.store.hlen("ch:1:backends:added") == 0


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://stranger.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
async def test_a_form_of_another_site_is_refused(house: House, headers: dict[str, str]) -> None:
    async with open_front(house) as (client, token):
        data = {"token": token, "prompt": "a red boat"}
        answer = await client.post("/page/pictures", data=data, headers=headers)
    assert answer.status_code == 403


async def test_a_form_of_our_page_is_taken(house: House) -> None:
    async with open_front(house) as (client, token):
        data = {"token": token, "prompt": "a red boat"}
        headers = {"Origin": house.url, "Sec-Fetch-Site": "same-origin"}
        answer = await client.post("/page/pictures", data=data, headers=headers)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/page/jobs/")


async def test_a_foreign_name_for_this_machine_opens_no_forms(house: House) -> None:
    """A stranger's name may be made to point here; its page would be of the same origin."""
    async with open_front(house, Host="rebound.example") as (client, token):
        assert token == ""
        answer = await client.post("/page/pictures", data={"prompt": "a red boat"})
        assert answer.status_code == 403
        assert "host_unknown" in answer.text


async def test_the_browser_is_never_given_a_key(house: House) -> None:
    await house.make_key(account="demo")
    async with open_front(house) as (client, _):
        page = await client.get("/")
    assert not re.search(r"sk_(live|test)_\w", page.text)


async def test_jobs_and_files_of_other_accounts_are_not_shown(house: House) -> None:
    job_id = await house.submit()
    job = await house.wait_state(job_id, "succeeded")
    file_id = job["outputs"][0]["file_id"]
    async with open_front(house) as (client, token):
        for path in (
            f"/page/jobs/{job_id}",
            f"/page/jobs/{job_id}/print",
            f"/page/files/{file_id}",
        ):
            assert (await client.get(path)).status_code == 404, path
        assert (await client.get(f"/page/jobs/{job_id}/events")).status_code == 404
        canceled = await client.post(f"/page/jobs/{job_id}/cancel", data={"token": token})
        assert canceled.status_code == 404


async def test_production_shows_the_house_and_takes_no_work(house: House) -> None:
    api = house.add_api()
    # The tests' receivers on this machine are nothing that production lets customers reach.
    api.environment |= {"CH_MODE": "production", "CH_OUTBOUND_ALLOWED": ""}
    api.restart()
    try:
        api.wait_ready()
        async with httpx.AsyncClient(base_url=api.url, headers=HTML, timeout=60) as client:
            page = await client.get("/")
            assert page.status_code == 200
            assert "One house" in page.text
            assert "<form" not in page.text
            assert "textarea" not in page.text
            # Neither where servers are nor what was made is anybody's business.
            assert house.engine.url not in page.text
            assert "/page/" not in page.text
            for path in (*FORMS, "/page/edits"):
                answer = await client.post(path)
                assert answer.status_code == 403, path
                assert "page_closed" in answer.text
            for path in ("/page/house", "/page/recent", "/page/places"):
                assert (await client.get(path)).status_code == 403, path
    finally:
        api.kill()
        house.apis.remove(api)


async def test_the_reference_shows_every_operation_and_every_field(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url, headers=HTML) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        page = await client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    ids = set(re.findall(r'id="([^"]+)"', page.text))
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"{method}{re.sub('[{}]', '', path).replace('/', '-')}" in ids
    links = set(re.findall(r'href="#([^"]+)"', page.text))
    assert links <= ids
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in page.text, (name, field)


async def test_programs_get_documents_where_people_get_pages(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        for headers in ({}, {"Accept": "application/json"}):
            answer = await client.get("/nowhere", headers=headers)
            assert answer.headers["content-type"] == "application/problem+json"
        for path in ("/nowhere", "/page/jobs/no-such-job"):
            page = await client.get(path, headers=HTML)
            assert page.status_code == 404
            assert page.headers["content-type"].startswith("text/html")
            assert "default-src 'none'" in page.headers["content-security-policy"]
        api = await client.get("/api/v1/nowhere", headers=HTML)
        assert api.headers["content-type"] == "application/problem+json"


async def test_an_empty_photo_is_refused_as_a_page(house: House) -> None:
    async with open_front(house) as (client, token):
        answer = await client.post(
            f"/page/edits?token={token}", files={"file": ("x.png", b"", "image/png")}
        )
        assert answer.status_code == 400
        assert "empty_file" in answer.text


async def test_files_of_the_look_may_be_kept_and_nothing_else_is_served(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url, follow_redirects=True) as client:
        page = await client.get("/", headers=HTML)
        addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        assert len(addresses) >= 8
        for address in addresses:
            asset = await client.get(address)
            assert asset.status_code == 200, address
            assert "immutable" in asset.headers["cache-control"]
        old = await client.get("/static/0123456789abcdef/base.css")
        assert old.headers["cache-control"] == "no-cache"
        for name in ("../assets.py", "..%2fassets.py", "%2e%2e/pages.py", "nothing.css"):
            assert (await client.get(f"/static/x/{name}")).status_code == 404, name


async def test_the_page_opens_while_the_store_is_away(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with House(tmp_path_factory.mktemp("a house without store"), workers=0) as house:
        house.valkey.kill()
        async with httpx.AsyncClient(base_url=house.url, headers=HTML, timeout=60) as client:
            page = await client.get("/")
            assert page.status_code == 200
            assert "The store of jobs does not answer" in page.text
            token = re.search(r'value="([0-9a-f]{64})"', page.text)
            assert token
            data = {"token": token.group(1), "prompt": "a red boat"}
            answer = await client.post("/page/pictures", data=data)
            assert answer.status_code == 503
            assert "store_unavailable" in answer.text
            house.valkey.start()
            page = await client.get("/")
            assert "The store of jobs does not answer" not in page.text
