"""Bodies over the limit: told so, however they are sent."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 10_000_000


async def send_in_chunks(size: int) -> AsyncIterator[bytes]:
    yield b'{"prompt": "'
    for _ in range(size // 100_000):
        yield b"x" * 100_000
    yield b'"}'


@pytest.mark.parametrize("size", [LIMIT + 1, 4 * LIMIT])
async def test_a_body_over_the_limit_is_told(house: House, size: int) -> None:
    body = b'{"prompt": "' + b"x" * size + b'"}'
    answer = await house.client.post(
        "/api/v1/generate", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_body_without_a_length_is_counted(house: House) -> None:
    answer = await house.client.post(
        "/api/v1/jobs",
        content=send_in_chunks(2 * LIMIT),
        headers={"Content-Type": "application/json"},
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_long_prompt_under_the_limit_is_too_long_for_a_prompt(house: House) -> None:
    answer = await house.client.post("/api/v1/jobs", json={"prompt": "x" * 9_000_000})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameters")
    assert answer.json()["errors"][0]["pointer"] == "/prompt"
    assert len(answer.content) < 2000


async def test_who_shows_no_key_has_little_to_say(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as stranger:
        answers = [
            await stranger.post("/api/v1/jobs", json={"prompt": "x" * size}, headers=headers)
            for size in (1000, 100_000)
            for headers in ({}, {"Authorization": "Bearer sk_live_made_up"})
        ]
    assert [answer.status_code for answer in answers] == [401, 401, 413, 413]


async def test_the_house_goes_on(house: House) -> None:
    async with httpx.AsyncClient(base_url=house.url) as client:
        assert (await client.get("/api/v1/health")).status_code == 200
