"""Servers that people add while the house runs."""

import pytest
from redis.asyncio import Redis

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.fleet.added import (
    MOST_ADDED,
    AddressInvalid,
    TooManyAdded,
    add_backend,
    list_added,
    normalise_address,
    remove_backend,
)
from comfyhoused.core.fleet.backends import make_backend_id


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("http://127.0.0.1:8188", "http://127.0.0.1:8188"),
        (" 127.0.0.1:8188/ ", "http://127.0.0.1:8188"),
        ("localhost:8188", "http://localhost:8188"),
        ("HTTP://GPU.example:80/comfy/", "http://gpu.example:80/comfy"),
        ("https://gpu.example/#workflow", "https://gpu.example"),
        ("[::1]:8188", "http://[::1]:8188"),
    ],
)
def test_an_address_is_taken_as_people_write_it(typed: str, address: str) -> None:
    assert normalise_address(typed) == address
    assert normalise_address(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "two words",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://",
        "http://user:secret@127.0.0.1:8188",
        "http://127.0.0.1:8188/?a=b",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]:8188",
        "http://0.0.0.0:8188",
        "http://224.0.0.1",
        "http://2852039166",
        "http://0xa9fea9fe/latest",
        "169.254.43518",
        "http://[::ffff:169.254.169.254]",
        "http://" + "a" * 400,
    ],
)
def test_what_is_no_server_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(AddressInvalid) as refused:
        normalise_address(typed)
    assert refused.value.errors[0]["pointer"] == "/address"


@pytest.fixture
async def store(valkey_url: str, redis: Redis) -> Store:  # `redis` empties it
    return open_store(valkey_url)


async def test_servers_are_listed_as_added_once_each_and_forgotten(store: Store) -> None:
    first = await add_backend(store, "http://127.0.0.1:8188")
    second = await add_backend(store, "https://gpu.example/comfy")
    assert await add_backend(store, first.url) == first
    assert sorted(one.url for one in await list_added(store)) == sorted((first.url, second.url))
    assert {one.modes for one in await list_added(store)} == {("live",)}
    assert await remove_backend(store, first.id)
    assert not await remove_backend(store, first.id)
    assert await list_added(store) == [second]
    await store.aclose()


async def test_no_more_than_the_limit_are_added(store: Store) -> None:
    for number in range(MOST_ADDED):
        await add_backend(store, f"http://127.0.0.1:{8000 + number}")
    with pytest.raises(TooManyAdded):
        await add_backend(store, "http://127.0.0.1:9000")
    await add_backend(store, "http://127.0.0.1:8000")
    assert len(await list_added(store)) == MOST_ADDED
    await store.aclose()


def test_no_server_is_taken_for_the_engine() -> None:
    assert make_backend_id("http://engine") != "engine"
    assert make_backend_id("http://engine:8188") == "engine-8188"
