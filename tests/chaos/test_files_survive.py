"""Uploads under `kill -9` of the web server and of Valkey: what was answered 201 is there."""

import asyncio
import random
from pathlib import Path

import httpx
import pytest
from blake3 import blake3

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.api.keys import create_key
from comfyhoused.core.files.records import find_file
from comfyhoused.core.files.scripts import DOOMED
from comfyhoused.core.files.sweep import sweep_files
from tests.api_process import LoneApi
from tests.conftest import MakeValkey
from tests.pictures import encode, make_image
from tests.processes import ServerProcess
from tests.waiting import PATIENCE_SECONDS

FILES = "/api/v1/files"
UPLOADERS = 6
KILLS = 3
PICTURES = [encode(make_image(200, 150, seed=seed)) for seed in range(UPLOADERS)]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


class Uploader:
    """Sends one picture again and again, and remembers what it was promised."""

    def __init__(self, url: str, secret: str, picture: bytes) -> None:
        self._url, self._secret, self._picture = url, secret, picture
        self.accepted: list[str] = []
        self.deleted: set[str] = set()

    async def run(self) -> None:
        headers = {"Authorization": f"Bearer {self._secret}"}
        async with httpx.AsyncClient(
            base_url=self._url, headers=headers, timeout=PATIENCE_SECONDS
        ) as client:
            while True:
                try:
                    await self._send(client)
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)  # the server is down: knock again

    async def _send(self, client: httpx.AsyncClient) -> None:
        answer = await client.post(FILES, content=self._picture)
        if answer.status_code != 201:
            assert answer.status_code == 503, answer.text
            return
        file_id = answer.json()["file_id"]
        assert answer.json()["hash"] == blake3(self._picture).hexdigest()
        self.accepted.append(file_id)
        if len(self.accepted) % 3 == 0:
            self.deleted.add(file_id)  # from now on it may or may not be there
            await client.delete(f"{FILES}/{file_id}")


async def check_promises(store: Store, storage: LocalStorage, uploaders: list[Uploader]) -> None:
    objects = {key async for key in storage.list_keys("")}
    recorded = {str(key).rpartition(":")[2] for key in await store.keys("ch:1:file:*")}
    for uploader in uploaders:
        assert set(uploader.accepted) - uploader.deleted <= recorded
    records = [await find_file(store, file_id) for file_id in recorded]
    kept = {record.key for record in records if record is not None}
    assert kept <= objects  # no record without its bytes
    doomed = {str(key) for key in await store.zrange(DOOMED, 0, -1)}
    assert objects <= kept | doomed  # no bytes that nobody will ever remove
    assert not kept & doomed
    assert await store.zcard("ch:1:owner:account:alice:files") == len(recorded)
    for key in doomed:
        await store.zadd(DOOMED, {key: 1})
    await sweep_files(store, storage, most=10_000)
    assert {key async for key in storage.list_keys("")} == kept


@pytest.mark.parametrize("victim", ["api", "valkey"])
async def test_accepted_files_survive_kills(
    tmp_path: Path, make_valkey: MakeValkey, started: list[ServerProcess], victim: str
) -> None:
    valkey = make_valkey()
    api = LoneApi(tmp_path / "api", valkey.url)
    started.append(api)
    api.start()
    store = open_store(valkey.url)
    _, secret = await create_key(store, account="alice", mode="live", plan="business")
    storage = LocalStorage(api.folder / "data" / "files", b"")
    uploaders = [Uploader(api.url, secret, picture) for picture in PICTURES]
    tasks = [asyncio.create_task(uploader.run()) for uploader in uploaders]
    for _ in range(KILLS):
        before = sum(len(uploader.accepted) for uploader in uploaders)
        more = random.randint(3, 25)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sum(len(uploader.accepted) for uploader in uploaders) < before + more:
                await asyncio.sleep(0.002)
                for task in tasks:
                    assert not task.done(), task.exception()
        await asyncio.to_thread(api.restart if victim == "api" else valkey.restart)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.to_thread(api.kill)
    await check_promises(store, storage, uploaders)
    await store.aclose()
