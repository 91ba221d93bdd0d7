"""Connections whose sends can be cancelled.

redis-py sends through `asyncio.wait_for`, which on Python 3.11 swallows a cancellation that
arrives when the send is done already: the task goes on as if nobody had asked it to stop. It
also makes a task of every command.
"""

import asyncio
from collections.abc import Iterable

from redis.asyncio import Connection, SSLConnection
from redis.exceptions import (
    ConnectionError,  # noqa: A004  redis-py's own, not the builtin
    TimeoutError,  # noqa: A004
)


class SteadyConnection(Connection):
    """A connection over TCP."""

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], check_health: bool = True
    ) -> None:
        """Send one packed command, connecting first where that is due."""
        if not self.is_connected:
            await self.connect_check_health(check_health=False)
        if check_health:
            await self.check_health()  # type: ignore[no-untyped-call]
        writer = self._writer
        if writer is None:
            raise ConnectionError("The connection was closed before the command was sent.")
        parts = command.encode() if isinstance(command, str) else command
        try:
            async with asyncio.timeout(self.socket_timeout):
                writer.writelines([parts] if isinstance(parts, bytes) else parts)
                await writer.drain()
        except BaseException as error:
            await self.disconnect(nowait=True)
            if isinstance(error, asyncio.TimeoutError):
                raise TimeoutError("Timeout writing to socket") from None
            if isinstance(error, OSError):
                raise ConnectionError(f"Error while writing to socket: {error}") from error
            raise


class SteadySSLConnection(SteadyConnection, SSLConnection):
    """A connection over TLS (`rediss://`)."""
