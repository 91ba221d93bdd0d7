"""The command `comfyhouse-engine`: how it starts, what it says, how it ends."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from tests.contract.conformance.graphs import make_noop, make_t2i
from tests.contract.conformance.stage import Stage, start_engine
from tests.processes import EngineProcess
from tests.waiting import PATIENCE_SECONDS, wait_blocking, wait_until

COMMAND = (sys.executable, "-m", "comfyhouse_engine")


def run_engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )


@pytest.mark.parametrize("switch", ["no_such=1", "silent=maybe", "silent"])
def test_bad_switch_is_one_sentence(tmp_path: Path, switch: str) -> None:
    ended = run_engine("--data", str(tmp_path), "--switch", switch)
    assert ended.returncode == 1
    assert ended.stderr.startswith("comfyhouse-engine: ")
    assert ended.stderr.count("\n") == 1


def test_busy_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_engine("--data", str(tmp_path), "--port", port)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert port in ended.stderr


def test_bad_models_file_is_one_sentence(tmp_path: Path) -> None:
    models = tmp_path / "models.json"
    models.write_text('{"checkpoints": "a.safetensors"}')
    ended = run_engine("--data", str(tmp_path / "data"), "--models-file", str(models))
    assert ended.returncode == 1
    assert "models.json" in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_sigterm_ends_it_in_mid_run(tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    async with ClientSession() as session:
        stage = Stage(engine, session)
        prompt_id = await stage.start_slow(seed=1)
    assert engine.process is not None
    engine.process.send_signal(signal.SIGTERM)
    await wait_until(lambda: not engine.is_alive)
    events = [(entry["event"], entry["prompt_id"]) for entry in engine.executions()]
    assert events == [("start", prompt_id)]


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [*COMMAND, "--data", str(tmp_path), "--ready-file", str(ready), "--die-with-parent"]
    code = (
        f"import subprocess; child = subprocess.Popen({command!r}); "
        "print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_blocking(ready.exists)
        parent.kill()
    wait_blocking(lambda: is_gone(pid))


def is_gone(pid: int) -> bool:
    """True when no process has this id, or only a zombie that nobody waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


async def test_restart_forgets_queue_and_history_and_keeps_files(tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    preview = {**make_noop(1), "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    async with ClientSession() as session:
        stage = Stage(engine, session)
        done = await stage.run(preview)
        outputs = (await stage.wait_for_history(done))["outputs"]
        await stage.start_slow(seed=1)
        engine.restart()
        assert await stage.get("history") == {}
        assert await stage.get("queue") == {"queue_running": [], "queue_pending": []}
        answer = await stage.post("prompt", {"prompt": make_noop(1)})
        assert answer["number"] == 0
        entry = await stage.wait_for_history(answer["prompt_id"])
    saved, shown = outputs["2"]["images"][0]["filename"], outputs["3"]["images"][0]["filename"]
    assert (engine.data / "output" / saved).is_file()
    assert not (engine.data / "temp" / shown).exists()
    assert entry["outputs"]["2"]["images"][0]["filename"] == "noop_00002_.png"
    engine.stop()


async def test_the_log_counts_runs_and_names_attempts(tmp_path: Path) -> None:
    engine = start_engine(tmp_path)
    async with ClientSession() as session:
        stage = Stage(engine, session)
        marked = await stage.run(
            make_noop(1), extra_data={"comfyhouse": {"attempt": "job-1"}}, prompt_id="job-1"
        )
        plain = await stage.run(make_noop(2))
        events = await stage.get("engine/log")
        assert await stage.get("engine/log?since=3") == events[3:]
        async with session.get(f"{engine.url}/engine/log?since=x") as response:
            assert response.status == 400
    seen = [(e["event"], e["prompt_id"], e["attempt"], e["outcome"]) for e in events]
    assert seen == [
        ("start", marked, "job-1", None),
        ("end", marked, "job-1", "success"),
        ("start", plain, None, None),
        ("end", plain, None, "success"),
    ]
    assert len({e["boot_id"] for e in events}) == 1
    assert engine.executions() == events
    engine.stop()


async def test_magic_word_lost_ends_the_process_only_where_allowed(tmp_path: Path) -> None:
    models = tmp_path / "models.json"
    models.write_text(json.dumps({"checkpoints": ["sd15_random.safetensors"]}))
    arguments = ("--models-file", str(models))
    deadly = make_t2i(text="a cat sandbox:lost")
    cautious = EngineProcess(tmp_path / "a", *arguments)
    cautious.start()
    async with ClientSession() as session:
        await Stage(cautious, session).run(deadly)
    cautious.stop()
    reckless = EngineProcess(tmp_path / "b", *arguments, "--allow-suicide")
    reckless.start()
    async with ClientSession() as session:
        # It may be gone before it has answered.
        with suppress(ClientConnectionError):
            await Stage(reckless, session).queue(deadly)
        await wait_until(lambda: not reckless.is_alive)
