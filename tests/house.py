"""A whole house of real processes, for tests: Valkey, engine, API and workers.

Every part can be killed, stopped and started again on the same port and data.
"""

import asyncio
import itertools
import os
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import httpx

from comfyhoused.adapters.redis.client import Store, open_store
from comfyhoused.api.keys import create_key
from comfyhoused.embedded.programs import make_api_command, make_worker_command
from comfyhoused.settings import HttpSettings
from tests.ports import take_port
from tests.processes import EngineProcess, ServerProcess, ValkeyProcess
from tests.waiting import PATIENCE_SECONDS, wait_blocking, wait_until

SECRET = "a secret of the tests, long enough for anybody"
#: Business without limits that a test would meet by being quick; the other plans are ours.
PLANS_FILE = Path(__file__).with_name("plans.toml")
TERMINAL = {"succeeded", "failed", "canceled", "expired"}

#: A dead worker's jobs are taken over within about two seconds instead of ten.
QUICK = {
    "CH_LEASE_SECONDS": "1.5",
    "CH_SWEEP_SECONDS": "0.3",
    "CH_POST_TIMEOUT_SECONDS": "1",
    # An engine that answers late on a busy machine is not to be taken for a lost one.
    "CH_HTTP_TIMEOUT_SECONDS": "30",
    "CH_BACKEND_LOST_SECONDS": "30",
}

#: Stands in for the public internet: servers of tests at this one address may be gone to.
OUTSIDE = {"CH_OUTBOUND_ALLOWED": "127.0.0.1"}


class Program(ServerProcess):
    """One of our programs, with the environment of its house."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        super().__init__(folder)
        self.environment = dict(environment)

    def command(self) -> tuple[str, ...]:
        raise NotImplementedError

    def start(self) -> None:
        self.spawn("env", *(f"{k}={v}" for k, v in self.environment.items()), *self.command())

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop_signal(self) -> None:
        """SIGSTOP: it stands still, its connections stay."""
        os.kill(self.pid, signal.SIGSTOP)

    def continue_(self) -> None:
        """SIGCONT: it goes on as if nothing had been."""
        os.kill(self.pid, signal.SIGCONT)


class WorkerProcess(Program):
    """One worker process."""

    def command(self) -> tuple[str, ...]:
        return make_worker_command()

    @property
    def name(self) -> str:
        """The name under which its latest life holds leases; '' while it has none yet."""
        names = re.findall(r"(worker_\w+) works at", self.log.read_text())
        return names[-1] if names else ""


class ApiProcess(Program):
    """One API process; a restart keeps its port."""

    def __init__(self, folder: Path, environment: Mapping[str, str], port: int) -> None:
        super().__init__(folder, environment)
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> tuple[str, ...]:
        return make_api_command(HttpSettings(host="127.0.0.1", port=self.port))

    @property
    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def wait_ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        wait_blocking(lambda: not self.is_alive or self.answers, seconds)
        self._check_alive()


class Relay(Protocol):
    """Stands between workers and engine: it is told where the engine is."""

    target: str

    @property
    def url(self) -> str: ...


class House:
    """The parts, a client with a live key, and what a test wants to count.

    `proxy` puts something of the test's own between workers and engine.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 1,
        apis: int = 1,
        environment: Mapping[str, str] | None = None,
        engine_arguments: tuple[str, ...] = (),
        proxy: Relay | None = None,
    ) -> None:
        self.folder = folder
        self.valkey = ValkeyProcess(folder / "valkey")
        self.engine = EngineProcess(folder / "engine", *engine_arguments)
        self.data_dir = folder / "house data"
        self.workers: list[WorkerProcess] = []
        self.apis: list[ApiProcess] = []
        self._counts = (workers, apis)
        self._environment = dict(environment or {})
        self.proxy = proxy
        self._keys: dict[str, str] = {}
        self._numbers = itertools.count()
        self._store: Store | None = None
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> "House":
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Start every part; returns when a job would run at once."""
        await asyncio.gather(
            asyncio.to_thread(self.valkey.start), asyncio.to_thread(self.engine.start)
        )
        if self.proxy is not None:
            self.proxy.target = self.engine.url
        for _ in range(self._counts[1]):
            self.add_api()
        for _ in range(self._counts[0]):
            self.add_worker()
        for api in self.apis:
            await asyncio.to_thread(api.wait_ready)
        self._client = httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {await self.make_key()}"},
            timeout=PATIENCE_SECONDS,
        )
        if self.workers:
            await self.wait_ready()

    async def close(self) -> None:
        """End every part that was started."""
        if self._client is not None:
            await self._client.aclose()
        if self._store is not None:
            await self._store.aclose()
        # None of them is needed any more, and nothing of this folder is read again.
        for part in (*self.workers, *self.apis, self.engine, self.valkey):
            part.kill()

    @property
    def url(self) -> str:
        """Address of the first API process."""
        return self.apis[0].url

    @property
    def api(self) -> ApiProcess:
        return self.apis[0]

    @property
    def client(self) -> httpx.AsyncClient:
        """A client of the first API process with a live key of the account `tester`."""
        assert self._client is not None, "not started"
        return self._client

    @property
    def store(self) -> Store:
        """A connection of the test's own to the house's Valkey."""
        if self._store is None:
            self._store = open_store(self.valkey.url)
        return self._store

    @property
    def environment(self) -> dict[str, str]:
        """What every program of the house is told."""
        return {
            "CH_DATA_DIR": str(self.data_dir),
            "CH_SECRET": SECRET,
            "CH_REDIS_URL": self.valkey.url,
            "CH_ENGINE_URL": self.proxy.url if self.proxy else self.engine.url,
            "CH_PLANS_FILE": str(PLANS_FILE),
            **QUICK,
            **OUTSIDE,
            **self._environment,
        }

    def add_worker(self, **environment: str) -> WorkerProcess:
        """Start one more worker, with settings of its own on top."""
        number = next(self._numbers)
        worker = WorkerProcess(
            self.folder / f"worker {number}", {**self.environment, **environment}
        )
        self.workers.append(worker)
        worker.start()
        return worker

    def add_api(self) -> ApiProcess:
        """Start one more API process."""
        number = next(self._numbers)
        port = take_port()
        api = ApiProcess(
            self.folder / f"api {number}",
            {**self.environment, "CH_PUBLIC_URL": f"http://127.0.0.1:{port}"},
            port,
        )
        self.apis.append(api)
        api.start()
        return api

    async def make_key(
        self, mode: Literal["live", "test"] = "live", account: str = "tester"
    ) -> str:
        """Return the secret of an API key of that account, made when first asked for."""
        name = f"{mode}/{account}"
        if name not in self._keys:
            _, self._keys[name] = await create_key(
                self.store, account=account, mode=mode, plan="business"
            )
        return self._keys[name]

    async def make_client(
        self, mode: Literal["live", "test"] = "live", account: str = "tester"
    ) -> httpx.AsyncClient:
        """Return a client with another key; the caller closes it."""
        secret = await self.make_key(mode, account)
        headers = {"Authorization": f"Bearer {secret}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=PATIENCE_SECONDS)

    async def wait_ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until a worker has reported a backend that takes jobs."""

        async def is_ready() -> bool:
            try:
                answer = await self.client.get("/api/v1/ready")
            except httpx.TransportError:
                return False
            return any(one["state"] == "ready" for one in answer.json()["backends"])

        try:
            await wait_until(is_ready, seconds)
        except TimeoutError as error:
            raise RuntimeError(self.read_logs()) from error

    async def submit(self, prompt: str = "a red boat", **more: Any) -> str:
        """Submit a small picture without waiting; returns the job's id."""
        body = {"prompt": prompt, "width": 64, "height": 64, "steps": 1, **more}
        answer = await self.client.post("/api/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    async def get_job(self, job_id: str) -> dict[str, Any]:
        """Return the job as the API shows it."""
        answer = await self.client.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    async def wait_state(
        self, job_id: str, *states: str, seconds: float = PATIENCE_SECONDS
    ) -> dict[str, Any]:
        """Wait until the job stands in one of the states (default: a terminal one)."""
        wanted = set(states) or TERMINAL
        job: dict[str, Any] = {}

        async def stands_there() -> bool:
            nonlocal job
            job = await self.get_job(job_id)
            assert job["status"] in wanted or job["status"] not in TERMINAL, job
            return job["status"] in wanted

        try:
            await wait_until(stands_there, seconds)
        except TimeoutError as error:
            raise AssertionError(f"{job}\n{self.read_logs()}") from error
        return job

    def executions(self) -> list[dict[str, Any]]:
        """Return the engine's own execution log."""
        return self.engine.executions()

    def count_starts(self) -> dict[str, int]:
        """Return how often the GPU began each prompt id."""
        counts: dict[str, int] = {}
        for line in self.executions():
            if line["event"] == "start":
                counts[line["prompt_id"]] = counts.get(line["prompt_id"], 0) + 1
        return counts

    def read_logs(self, size: int = 3000) -> str:
        """Return the ends of all logs, for a failure's message."""
        parts = (*self.workers, *self.apis, self.engine)
        return "\n".join(
            f"--- {part.log}\n{part.log.read_text()[-size:]}" for part in parts if part.log.exists()
        )
