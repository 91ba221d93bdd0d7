"""What the server must promise before we tell anybody "accepted"."""

from redis.exceptions import ResponseError

from comfyhoused.adapters.redis.client import Store


async def is_cluster(store: Store) -> bool:
    """Tell whether it is a Cluster, over which our scripts cannot reach."""
    return bool((await store.info("cluster")).get("cluster_enabled"))


async def find_weaknesses(store: Store) -> list[str]:
    """Return what makes this server lose or refuse jobs; empty when it is fit."""
    try:
        settings = await store.config_get("maxmemory-policy", "appendonly", "appendfsync")
    except ResponseError:
        return ["CONFIG is forbidden here, so its durability cannot be checked"]
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "always"}
    return [
        f"{name} is {settings.get(name)!r}, and must be {value!r}"
        for name, value in wanted.items()
        if settings.get(name) != value
    ]
