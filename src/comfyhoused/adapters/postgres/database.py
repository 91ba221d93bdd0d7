"""Postgres: a pool of connections, sessions that are one transaction each, and its failures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from comfyhoused.kit.errors import Unavailable

_POOL_SIZE = 8
_WAIT_SECONDS = 5
_DRIVER = "postgresql+asyncpg://"


class DatabaseUnavailable(Unavailable):
    """Postgres does not answer; nothing is half done, and it is tried again."""

    code = "database_unavailable"
    title = "The database does not answer"


class Database:
    """Where Creator keeps what must not be lost. One per process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises DatabaseUnavailable where Postgres is away, so that callers see one failure.
        Never hold it open while something is fetched, sent or computed.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OSError, PoolTimeout, OperationalError, InterfaceError) as error:
            raise DatabaseUnavailable("Postgres does not answer.") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable("Postgres went away.") from error
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def open_database(url: str) -> Database:
    """Return the database at `postgresql://…`; connects when it is first used."""
    scheme, _, rest = url.partition("://")
    address = _DRIVER + rest if scheme in ("postgres", "postgresql") else url
    engine = create_async_engine(
        address,
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_SIZE,
        pool_timeout=_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": _WAIT_SECONDS},
    )
    return Database(engine)
