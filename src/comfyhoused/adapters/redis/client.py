"""The connection to Redis or Valkey, with one error for "it is down"."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,  # noqa: A004  redis-py's own, not the builtin
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from comfyhoused.adapters.redis.connection import SteadyConnection, SteadySSLConnection
from comfyhoused.kit.errors import Unavailable

#: What redis-py raises when the server cannot serve us now.
DOWN = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)
_CROWD_SECONDS = 5
#: What it says when its disk takes nothing more.
_CANNOT_WRITE = "MISCONF"


class StoreUnavailable(Unavailable):
    """Redis does not answer. Nothing was accepted; the same request may be sent again."""

    code = "store_unavailable"
    title = "The store of jobs does not answer"


class StoreFull(StoreUnavailable):
    """Redis has reached its memory limit; running jobs go on, new ones must wait."""

    code = "store_full"
    title = "The store of jobs is full for the moment"


class Store(Redis):
    """A redis-py client that raises StoreUnavailable when the server cannot serve us."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run one command; see redis-py."""
        with translate_errors():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise StoreUnavailable or StoreFull for what redis-py raises when it cannot serve us."""
    try:
        yield
    except DOWN as error:
        raise make_unavailable() from error
    except OutOfMemoryError as error:
        raise StoreFull("Try again in a minute.", headers={"Retry-After": "60"}) from error
    except ResponseError as error:
        if str(error).startswith(_CANNOT_WRITE):
            raise make_unavailable() from error
        raise


def make_unavailable() -> StoreUnavailable:
    """Return the error that every caller may send on as it is."""
    return StoreUnavailable("Try again in a few seconds.", headers={"Retry-After": "2"})


def open_store(url: str, *, max_connections: int = 200) -> Store:
    """Return a client with short time limits.

    One retry without a pause mends a pooled connection that a restart has cut; more
    would turn a quick 503 into a slow one. More commands at once than connections wait
    for one: a crowd is no outage.
    """
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        timeout=_CROWD_SECONDS,
        decode_responses=True,
        # A refusal is quick; a process busy with a crowd may need long to see that it is connected.
        socket_connect_timeout=3,
        socket_timeout=5,
        max_connections=max_connections,
        retry=Retry(NoBackoff(), 1),
    )
    is_encrypted = issubclass(pool.connection_class, SSLConnection)
    pool.connection_class = SteadySSLConnection if is_encrypted else SteadyConnection
    return Store(connection_pool=pool)
