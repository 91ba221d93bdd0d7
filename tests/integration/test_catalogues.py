"""What servers can do, as workers keep it in Redis."""

from typing import Any

import pytest
from redis.asyncio import Redis

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.core.fleet.catalogues import release_catalogue, save_catalogue


@pytest.fixture
async def store(redis: Redis, valkey_url: str) -> Any:
    async with open_store(valkey_url) as client:
        yield client


def make_info(*files: str, models: tuple[str, ...] = ("sea.safetensors",)) -> dict[str, Any]:
    """Return the part of an `/object_info` that lists files."""
    return {
        "LoadImage": {
            "input": {"required": {"image": [list(files), {"image_upload": True}]}},
            "output": ["IMAGE", "MASK"],
        },
        "CheckpointLoaderSimple": {
            "input": {"required": {"ckpt_name": [list(models)]}},
            "output": ["MODEL", "CLIP", "VAE"],
        },
    }


async def test_uploads_do_not_make_new_catalogues(store: Store) -> None:
    names = {await save_catalogue(store, make_info(*files)) for files in ((), ("a.png",), ("b.x",))}
    assert len(names) == 1
    assert len(await store.keys("ch:1:catalogue:*")) == 1


async def test_another_model_makes_another_catalogue(store: Store) -> None:
    first = await save_catalogue(store, make_info())
    second = await save_catalogue(store, make_info(models=("sea.safetensors", "hills.safetensors")))
    assert first != second


async def test_a_replaced_catalogue_goes_unless_it_is_used_again(store: Store) -> None:
    name = await save_catalogue(store, make_info())
    await release_catalogue(store, name)
    assert 0 < await store.ttl(f"ch:1:catalogue:{name}") <= 86_400
    assert await save_catalogue(store, make_info()) == name
    assert await store.ttl(f"ch:1:catalogue:{name}") == -1
