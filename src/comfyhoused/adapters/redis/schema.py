"""The version of what we keep in Redis. Keys begin with `ch:1:`, records carry `schema`."""

from comfyhoused.adapters.redis.client import Store

SCHEMA = 1
_KEY = "ch:1:schema"


async def get_schema(store: Store) -> int:
    """Return the version of the data; an empty store takes ours."""
    await store.set(_KEY, SCHEMA, nx=True)
    return int(str(await store.get(_KEY)))
