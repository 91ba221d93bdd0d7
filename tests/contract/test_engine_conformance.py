"""The engine answers as the recorded ComfyUI 0.3.64 did.

The same cases come from two sources: the distilled tables of this repository, and the recordings
themselves where they are present.
"""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.contract.conformance.cases import (
    RECORDINGS,
    read_classes,
    read_exchanges,
    read_scenes,
    read_transcripts,
)
from tests.contract.conformance.exceptions import EXCEPTIONS
from tests.contract.conformance.graphs import RECORDED_MODELS
from tests.contract.conformance.pictures import write_input_pictures
from tests.contract.conformance.scenes import SCENES, play_scene
from tests.contract.conformance.shapes import list_differences, shape_of
from tests.contract.conformance.sockets import play_transcript
from tests.contract.conformance.stage import Stage
from tests.contract.conformance.timeline import Timeline
from tests.processes import EngineProcess


@pytest.fixture(scope="module", params=["table", "recordings"])
def source(request: pytest.FixtureRequest) -> str:
    """Where the cases come from."""
    if request.param == "recordings" and not RECORDINGS.is_dir():
        pytest.skip("../shared/comfyui-recordings is not here")
    return str(request.param)


def start_engine(folder: Path, *arguments: str) -> EngineProcess:
    """Start an engine that offers the recorded models and has the pictures that were loaded."""
    models = folder / "models.json"
    models.write_text(json.dumps(RECORDED_MODELS))
    process = EngineProcess(folder / "engine", "--models-file", str(models), *arguments)
    process.start()
    return process


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine with previews."""
    process = start_engine(tmp_path_factory.mktemp("engine"))
    yield process
    process.stop()


@pytest.fixture
def fresh_engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """An engine of the test's own, which has seen nothing yet."""
    process = start_engine(tmp_path)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def silent_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine without previews, as ComfyUI starts by default."""
    folder = tmp_path_factory.mktemp("engine without previews")
    process = start_engine(folder, "--preview-method", "none")
    yield process
    process.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """A session of aiohttp, the recorder's library."""
    async with ClientSession() as opened:
        yield opened


async def test_exchanges_agree(
    source: str, tmp_path: Path, fresh_engine: EngineProcess, session: ClientSession
) -> None:
    stage = Stage(fresh_engine, session)
    timeline = Timeline(stage, tmp_path)
    exchanges = [case for case in read_exchanges(source) if case.name not in EXCEPTIONS]
    differences = [place for case in exchanges for place in await timeline.play(case)]
    assert "\n".join(differences) == ""
    assert len(exchanges) >= 200


async def test_transcripts_agree(
    source: str, engine: EngineProcess, silent_engine: EngineProcess, session: ClientSession
) -> None:
    stages = {True: Stage(engine, session), False: Stage(silent_engine, session)}
    for process in (engine, silent_engine):
        write_input_pictures(process.data / "input")
    transcripts = read_transcripts(source)
    differences = [
        place
        for case in transcripts
        for place in await play_transcript(stages[case.has_previews], case)
    ]
    assert "\n".join(differences) == ""
    assert len(transcripts) >= 55


@pytest.mark.parametrize("name", SCENES)
async def test_scenes_agree(
    source: str, name: str, engine: EngineProcess, session: ClientSession
) -> None:
    assert await play_scene(Stage(engine, session), name) == read_scenes(source)[name]


async def test_classes_agree(source: str, engine: EngineProcess, session: ClientSession) -> None:
    described = await Stage(engine, session).get("object_info")
    recorded = read_classes(source)
    differences = [
        place
        for name in sorted(recorded.keys() & described.keys())
        for place in list_differences(recorded[name], shape_of(described[name]), f"{name} /")
    ]
    assert "\n".join(differences) == ""
    assert len(recorded.keys() & described.keys()) >= 80
