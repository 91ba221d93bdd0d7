"""Postgres: a pool of connections, sessions that are one transaction each, and its failures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL, AdaptedConnection, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from comfyhoused.kit.errors import InvalidRequest, Unavailable

_POOL_SIZE = 8
_WAIT_SECONDS = 5
#: No statement of ours takes so long: a server that says nothing for so long stands still, or the
#: network between us is gone.
_ANSWER_SECONDS = 30.0
#: SQLSTATEs of a server that starts, stops, recovers, or takes no more connections; and of one
#: that has ended our transaction for the sake of another: a deadlock, or we stood still in it.
_AWAY = ("57P", "53300", "08", "40P01", "40001", "25P03")
#: A process that stands still, or a machine that is gone, keeps its rows from nobody for longer.
_LIMITS = (
    "SET idle_in_transaction_session_timeout = '60s'; SET tcp_keepalives_idle = 30; "
    "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
)
#: The SQLSTATE of text that Postgres cannot keep: it holds the character NUL.
_NO_TEXT = "22021"
_DRIVER = "postgresql+asyncpg"
_SCHEMES = ("postgresql", "postgres", _DRIVER)


class DatabaseUnavailable(Unavailable):
    """Postgres does not answer; nothing is half done, and it is tried again."""

    code = "database_unavailable"
    title = "The database does not answer"


class TextRefused(InvalidRequest):
    """Something that was sent holds a character that no text has."""

    code = "text_refused"
    title = "This text cannot be read"


class Database:
    """Where Creator keeps what must not be lost. One per process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises DatabaseUnavailable where Postgres is away, so that callers see one failure, and
        TextRefused.
        Never hold it open while something is fetched, sent or computed.
        """
        try:
            async with self._sessions.begin() as session:
                yield session
        except (OSError, PoolTimeout, OperationalError, InterfaceError) as error:
            raise DatabaseUnavailable("Postgres does not answer.") from error
        except DBAPIError as error:
            if _find_state(error) == _NO_TEXT:
                raise TextRefused("It holds the character NUL.") from error
            if error.connection_invalidated or _find_state(error).startswith(_AWAY):
                raise DatabaseUnavailable("Postgres went away.") from error
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def open_database(url: str, *, answer_seconds: float | None = _ANSWER_SECONDS) -> Database:
    """Return the database at `postgresql://…`; connects when it is first used.

    A statement that is not answered in `answer_seconds` fails with DatabaseUnavailable. Raises
    ValueError for any other address.
    """
    engine = create_async_engine(
        _read_address(url),
        pool_size=_POOL_SIZE,
        max_overflow=_POOL_SIZE,
        pool_timeout=_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args={"timeout": _WAIT_SECONDS, "command_timeout": answer_seconds},
        hide_parameters=True,  # an error that is logged names no address, key or cookie
    )
    # Not as parameters of the connection: poolers refuse those.
    event.listen(engine.sync_engine, "connect", _set_limits)
    return Database(engine)


def _set_limits(connection: AdaptedConnection, _record: object) -> None:
    connection.run_async(lambda driver: driver.execute(_LIMITS))


def _find_state(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _read_address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ValueError("it is no address of a database") from error
    if address.drivername not in _SCHEMES:
        raise ValueError("it does not begin with postgresql://")
    query = dict(address.query)
    if "sslmode" in query:  # as libpq and all providers write it
        query["ssl"] = query.pop("sslmode")
    return address.set(drivername=_DRIVER, query=query)
