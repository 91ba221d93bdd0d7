"""The engine answers as the recorded ComfyUI 0.3.64 did.

The cases are the recordings where they are present, else the tables that were distilled from them,
which are checked to say the same.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.contract.conformance.cases import (
    HERE,
    RECORDINGS,
    SOURCE,
    read_classes,
    read_exchanges,
    read_scenes,
    read_transcripts,
)
from tests.contract.conformance.distill import distilled
from tests.contract.conformance.exceptions import EXCEPTIONS
from tests.contract.conformance.pictures import write_input_pictures
from tests.contract.conformance.scenes import SCENES, play_scene
from tests.contract.conformance.shapes import list_differences, shape_of
from tests.contract.conformance.sockets import play_transcript
from tests.contract.conformance.stage import Stage, start_engine
from tests.contract.conformance.timeline import Timeline
from tests.processes import EngineProcess


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """An engine with previews, and the pictures that recorded prompts load."""
    process = start_engine(tmp_path_factory.mktemp("engine"))
    write_input_pictures(process.data / "input")
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
    write_input_pictures(process.data / "input")
    yield process
    process.stop()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    """A session of aiohttp, the recorder's library."""
    async with ClientSession() as opened:
        yield opened


async def test_exchanges_agree(
    tmp_path: Path, fresh_engine: EngineProcess, session: ClientSession
) -> None:
    stage = Stage(fresh_engine, session)
    timeline = Timeline(stage, tmp_path)
    exchanges = [case for case in read_exchanges(SOURCE) if case.name not in EXCEPTIONS]
    differences = [place for case in exchanges for place in await timeline.play(case)]
    assert "\n".join(differences) == ""
    assert len(exchanges) >= 200


async def test_transcripts_agree(
    engine: EngineProcess, silent_engine: EngineProcess, session: ClientSession
) -> None:
    stages = {True: Stage(engine, session), False: Stage(silent_engine, session)}
    transcripts = read_transcripts(SOURCE)
    differences = [
        place
        for case in transcripts
        for place in await play_transcript(stages[case.has_previews], case)
    ]
    assert "\n".join(differences) == ""
    assert len(transcripts) >= 55


@pytest.mark.parametrize("name", SCENES)
async def test_scenes_agree(name: str, engine: EngineProcess, session: ClientSession) -> None:
    assert await play_scene(Stage(engine, session), name) == read_scenes(SOURCE)[name]


async def test_classes_agree(engine: EngineProcess, session: ClientSession) -> None:
    described = await Stage(engine, session).get("object_info")
    recorded = read_classes(SOURCE)
    differences = [
        place
        for name in sorted(recorded.keys() & described.keys())
        for place in list_differences(recorded[name], shape_of(described[name]), f"{name} /")
    ]
    assert "\n".join(differences) == ""
    assert len(recorded.keys() & described.keys()) >= 80


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="../shared/comfyui-recordings is not here")
def test_tables_say_what_was_recorded() -> None:
    for name, lines in distilled().items():
        assert (HERE / name).read_text().splitlines() == lines, f"{name}: run distill.py again"


def test_exceptions_are_few() -> None:
    assert all(EXCEPTIONS.values())
    assert len(EXCEPTIONS) <= len(read_exchanges("table")) / 10
