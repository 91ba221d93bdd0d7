"""What the server must promise before we tell anybody "accepted"."""

from redis.exceptions import ResponseError

from comfyhoused.adapters.redis.client import Store


async def find_weaknesses(store: Store) -> list[str]:
    """Return what makes this server lose or refuse jobs; empty when it is fit."""
    weaknesses = []
    if (await store.info("cluster")).get("cluster_enabled"):
        weaknesses.append("it is a Cluster; our scripts need one server (or Sentinel)")
    try:
        settings = await store.config_get("maxmemory-policy", "appendonly", "appendfsync")
    except ResponseError:
        return [*weaknesses, "CONFIG is forbidden here, so its durability cannot be checked"]
    wanted = {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "always"}
    for name, value in wanted.items():
        if settings.get(name) != value:
            weaknesses.append(f"{name} is {settings.get(name)!r}, and must be {value!r}")
    return weaknesses
