"""Objects in a bucket of S3, MinIO or another server that speaks its protocol."""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from obstore.exceptions import BaseError
from obstore.store import S3Store

from comfyhoused.adapters.storage.sigv4 import Signer
from comfyhoused.adapters.storage.storage import (
    Meter,
    ObjectMissing,
    StorageUnavailable,
    Stored,
    check_key,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.each import do_each

if TYPE_CHECKING:  # they exist for type checkers only
    from obstore import Attributes, GetOptions
    from obstore.store import ClientConfig, RetryConfig

_PART_BYTES = 5 * 1024 * 1024  # the least that S3 takes as a part of an upload
_READ_BYTES = 256 * 1024
_MAX_PUTS = 4  # each holds up to two parts in memory
_RETRY: "RetryConfig" = {  # obstore's own ten tries keep a caller waiting for seconds
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=5),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=1),
        "base": 2,
    },
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where the objects lie. `public_endpoint` is the server's address in customers' links."""

    name: str
    endpoint: str
    region: str
    access_key: str
    secret_key: str
    public_endpoint: str | None = None

    def __repr__(self) -> str:
        return f"Bucket({self.name!r} at {self.endpoint})"


class S3Storage:
    """A bucket. It must exist."""

    def __init__(self, bucket: Bucket) -> None:
        self._store = _open_store(bucket)
        self._puts = asyncio.Semaphore(_MAX_PUTS)
        self._signer = Signer(bucket.access_key, bucket.secret_key, bucket.region)
        endpoint = bucket.public_endpoint or bucket.endpoint
        self._link_root = f"{endpoint.rstrip('/')}/{bucket.name}/"

    async def put(
        self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, max_bytes: int
    ) -> Stored:
        """Upload in parts, which S3 shows only when complete; see Storage.put."""
        check_key(key)
        meter = Meter(max_bytes)
        source = _Source(meter.pass_on(chunks))
        async with self._puts:
            try:
                with _translate_errors():
                    await self._upload(key, source.read(), {"Content-Type": content_type})
            except (StorageUnavailable, ObjectMissing) as error:
                if source.error is not None:  # foreign code may wrap what the source raised
                    raise source.error from None
                raise StorageUnavailable("The S3 server did not take the file.") from error
        return meter.stored

    async def _upload(
        self, key: str, chunks: AsyncIterator[bytes], attributes: "Attributes"
    ) -> None:
        head, is_whole = await _take(chunks, _PART_BYTES)
        if is_whole:  # one request instead of the three of an upload in parts
            await self._store.put_async(
                key, b"".join(head), attributes=attributes, use_multipart=False
            )
            return
        await self._store.put_async(
            key,
            _chain(head, chunks),
            attributes=attributes,
            chunk_size=_PART_BYTES,
            max_concurrency=1,
        )

    async def read(
        self, key: str, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[bytes]:
        """Stream the bytes; see Storage.read."""
        options: GetOptions = {}
        if start > 0 or end is not None:
            size_bytes = await self.get_size(key)  # S3 refuses a range beyond the end
            stop = size_bytes if end is None else min(end, size_bytes)
            if stop <= start:
                return
            options = {"range": (start, stop)}
        with _translate_errors():
            answer = await self._store.get_async(check_key(key), options=options)
            async for chunk in answer.stream(min_chunk_size=_READ_BYTES):
                yield bytes(chunk)

    async def get_size(self, key: str) -> int:
        """Return the length in bytes; see Storage.get_size."""
        with _translate_errors():
            return (await self._store.head_async(check_key(key)))["size"]

    async def delete(self, key: str) -> None:
        """Remove the object; see Storage.delete."""
        check_key(key)
        try:
            with _translate_errors():
                await self._store.delete_async(key)
        except ObjectMissing:  # some servers say so, S3 itself does not
            return

    async def delete_many(self, keys: Sequence[str]) -> None:
        """Remove the objects, some at a time; see Storage.delete_many."""
        await do_each(keys, self.delete)

    async def list_keys(self, prefix: str) -> AsyncIterator[str]:
        """Yield the keys below a folder; see Storage.list_keys."""
        with _translate_errors():
            async for page in self._store.list(prefix or None):
                for entry in page:
                    yield entry["path"]

    async def make_link(
        self,
        key: str,
        *,
        expires_in_seconds: int,
        content_type: str,
        filename: str,
        public_url: str,
        etag: str | None = None,
    ) -> str:
        """Return a presigned address of the S3 server; see Storage.make_link."""
        return self._signer.make_link(
            self._link_root + quote(check_key(key)),
            now=get_now(),
            expires_in_seconds=expires_in_seconds,
            parameters={
                "response-content-type": content_type,
                "response-content-disposition": f'inline; filename="{filename}"',
            },
        )

    async def check(self) -> None:
        """Ask for a listing, which fails without bucket or rights; see Storage.check."""
        try:
            with _translate_errors():
                async for _ in self._store.list("check", chunk_size=1):
                    return
        except ObjectMissing as error:
            raise StorageUnavailable("The bucket does not exist.") from error


class _Source:
    """Remembers what the caller's chunks raised, on its way through foreign code."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self.error: BaseException | None = None

    async def read(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._chunks:
                yield chunk
        except BaseException as error:
            self.error = error
            raise


async def _take(chunks: AsyncIterator[bytes], size_bytes: int) -> tuple[deque[bytes], bool]:
    """Return the beginning, about so many bytes, and whether that is all."""
    taken: deque[bytes] = deque()
    while size_bytes > 0:
        chunk = await anext(chunks, None)
        if chunk is None:
            return taken, True
        taken.append(chunk)
        size_bytes -= len(chunk)
    return taken, False


async def _chain(head: deque[bytes], rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while head:
        yield head.popleft()
    async for chunk in rest:
        yield chunk


def _open_store(bucket: Bucket) -> S3Store:
    client: ClientConfig = {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=3),
        "read_timeout": timedelta(seconds=20),
        "timeout": timedelta(minutes=10),
    }
    return S3Store(
        bucket.name,
        endpoint=bucket.endpoint,
        region=bucket.region,
        access_key_id=bucket.access_key,
        secret_access_key=bucket.secret_key,
        virtual_hosted_style_request=False,
        client_options=client,
        retry_config=_RETRY,
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissing("There is no such file in the store.") from error
    except (BaseError, OSError) as error:
        raise StorageUnavailable("The S3 server does not answer as it should.") from error
