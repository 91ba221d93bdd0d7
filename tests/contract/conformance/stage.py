"""An engine on stage: what tests do to it again and again."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from tests.contract.conformance.graphs import RECORDED_MODELS, Graph, make_t2i
from tests.processes import EngineProcess
from tests.waiting import wait_until

Json = dict[str, Any]


def start_engine(folder: Path, *arguments: str) -> EngineProcess:
    """Start an engine that offers the recorded models."""
    models = folder / "models.json"
    models.write_text(json.dumps(RECORDED_MODELS))
    process = EngineProcess(folder / "engine", "--models-file", str(models), *arguments)
    process.start()
    return process


class Stage:
    """A running engine and a session to it. Paths are relative, without a leading slash."""

    def __init__(self, engine: EngineProcess, session: ClientSession) -> None:
        self.engine = engine
        self.session = session

    async def get(self, path: str) -> Any:
        """Return the JSON of an answer with status 200; the path is percent-encoded."""
        async with self.session.get(URL(f"{self.engine.url}/{path}", encoded=True)) as response:
            assert response.status == 200, (path, response.status)
            return await response.json()

    async def post(self, path: str, body: Any) -> Any:
        """POST and return the JSON of an answer with status 200, None where there is no body."""
        async with self.session.post(f"{self.engine.url}/{path}", json=body) as response:
            text = await response.text()
            assert response.status == 200, (path, response.status, text)
            return json.loads(text) if text else None

    async def queue(self, graph: Graph, **body: Any) -> str:
        """Queue a prompt and return its id."""
        answer = await self.post("prompt", {"prompt": graph, **body})
        return str(answer["prompt_id"])

    async def wait_for_history(self, prompt_id: str) -> Json:
        """Return the history entry of a prompt as soon as it is there."""
        found: Json = {}

        async def look() -> bool:
            found.update(await self.get(f"history/{quote(prompt_id, safe='')}"))
            return prompt_id in found

        await wait_until(look)
        entry: Json = found[prompt_id]
        return entry

    async def run(self, graph: Graph, **body: Any) -> str:
        """Queue a prompt, wait for its end and return its id."""
        prompt_id = await self.queue(graph, **body)
        await self.wait_for_history(prompt_id)
        return prompt_id

    async def start_slow(self, seed: int, **body: Any) -> str:
        """Start a prompt that runs until it is interrupted, and return its id."""
        await self.switch(hold_at_step=1)
        prompt_id = await self.queue(make_t2i(seed), **body)
        await self.wait_until_running(prompt_id)
        return prompt_id

    async def wait_until_running(self, prompt_id: str) -> None:
        """Wait until a prompt runs."""

        async def look() -> bool:
            return prompt_id in [item[1] for item in (await self.get("queue"))["queue_running"]]

        await wait_until(look)

    async def settle(self) -> None:
        """Empty the queue, end what runs, and hold nothing any more."""
        await self.post("queue", {"clear": True})
        await self.post("interrupt", {})
        await self.switch(hold_at_step=0)

        async def look() -> bool:
            return bool((await self.get("prompt"))["exec_info"]["queue_remaining"] == 0)

        await wait_until(look)

    async def switch(self, **switches: Any) -> None:
        """Set switches of the engine."""
        await self.post("engine/switches", switches)
