"""The graphs of our templates on every server: the built-in engine, and a real ComfyUI where
CH_TEST_COMFYUI_URL names one (it needs an SD 1.5 checkpoint; random weights will do).
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from comfyhoused.adapters.comfyui.history import OutcomeStatus
from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.control import Control, list_offered_types
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import GenerateParameters
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.upscale import (
    Upscaling,
    build_upscale,
    choose_upscaler,
    list_upscalers,
)
from tests.contract.comfyui_backends import Backend, connect
from tests.pictures import encode, make_image
from tests.processes import EngineProcess

Pixels = NDArray[np.uint8]
RANDOM_WEIGHTS = """
[[rules]]
files = ["*control*random*"]
family = "sd15"
controls = ["canny"]
"""


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = EngineProcess(tmp_path_factory.mktemp("engine of the templates"))
    engine.start()
    yield engine.url
    engine.stop()


@pytest.fixture(params=["engine", "comfyui"])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    url = os.environ.get("CH_TEST_COMFYUI_URL")
    if request.param == "engine":
        url = request.getfixturevalue("engine_url")
    if not url:
        pytest.skip("CH_TEST_COMFYUI_URL is not set")
    async with connect(url) as backend:
        yield backend


@pytest.fixture
def book(tmp_path: Path) -> ModelBook:
    file = tmp_path / "models.toml"
    file.write_text(RANDOM_WEIGHTS)
    return ModelBook.load(file)


async def load_catalogue(backend: Backend) -> Catalogue:
    return parse_catalogue(await backend.client.get_object_info())


async def run(
    backend: Backend, workflow: Workflow, files: Mapping[str, Image.Image]
) -> list[Pixels]:
    """Return the pictures that the workflow makes of these files."""
    names = {file_id: f"ch_{uuid.uuid4().hex}.png" for file_id in files}
    for file_id, image in files.items():
        await backend.client.upload(names[file_id], iterate(encode(image)))
    graph = prepare_graph(workflow, attempt_id=str(uuid.uuid4()), file_names=names)
    _, outcome = await backend.run(graph)
    assert outcome.status is OutcomeStatus.SUCCEEDED, outcome
    made = []
    for ref in outcome.outputs:
        async with backend.client.open_output(ref) as stream:
            content = b"".join([chunk async for chunk in stream.chunks])
        made.append(np.asarray(Image.open(BytesIO(content)).convert("RGB")))
    return made


async def iterate(content: bytes) -> AsyncIterator[bytes]:
    yield content


def make_parameters(catalogue: Catalogue, book: ModelBook, **more: Any) -> GenerateParameters:
    models = [
        name
        for name, painter in list_painters([catalogue], book).items()
        if painter.family.texts == "plain"
    ]
    if not models:
        pytest.skip("this server has no checkpoint of Stable Diffusion 1.x")
    plain: dict[str, Any] = {"prompt": "a red barn", "model": models[0], "seed": 3}
    return GenerateParameters(**{**plain, "width": 64, "height": 64, "steps": 1, **more})


def make_mask(width: int, height: int) -> Image.Image:
    mask = Image.new("L", (width, height))
    ImageDraw.Draw(mask).ellipse((width // 4, height // 4, width * 3 // 4, height * 3 // 4), 255)
    mask.paste(77, (width // 2, height // 2 - 3, width, height // 2 + 3))  # soft
    return mask


@pytest.mark.parametrize(
    ("size", "count"), [((64, 64), 1), ((101, 67), 2), ((64, 72), 2), ((333, 90), 1)]
)
async def test_inpainting_changes_no_pixel_outside_the_mask(
    backend: Backend, book: ModelBook, size: tuple[int, int], count: int
) -> None:
    catalogue = await load_catalogue(backend)
    files = {"file_photo": make_image(*size, seed=5), "file_mask": make_mask(*size)}
    parameters = make_parameters(
        catalogue,
        book,
        width=max(64, size[0] // 8 * 8),
        height=max(64, size[1] // 8 * 8),
        num_images=count,
        init_image_file_id="file_photo",
        mask_file_id="file_mask",
        image_size=size,
        strength=1.0,
    )
    made = await run(backend, build_graph(parameters, [catalogue], book), files)
    before, mask = np.asarray(files["file_photo"]), np.asarray(files["file_mask"])
    assert [one.shape for one in made] == [before.shape] * count
    for one in made:
        assert np.array_equal(one[mask == 0], before[mask == 0])
        assert not np.array_equal(one[mask == 255], before[mask == 255])


async def test_canny_is_followed(backend: Backend, book: ModelBook) -> None:
    catalogue = await load_catalogue(backend)
    if "canny" not in list_offered_types([catalogue], book, book.families["sd15"]):
        pytest.skip("this server has no ControlNet that reads canny")
    files = {"file_drawing": make_mask(80, 60).convert("RGB")}
    plain = make_parameters(catalogue, book, seed=4)
    made = []
    for strength in (0.0, 1.0):
        control = Control("canny", "file_drawing", strength)
        parameters = make_parameters(catalogue, book, seed=4, control=control)
        made += await run(backend, build_graph(parameters, [catalogue], book), files)
    made += await run(backend, build_graph(plain, [catalogue], book), {})
    assert np.array_equal(made[0], made[2])  # a strength of 0 is none
    assert not np.array_equal(made[1], made[2])


async def test_image_to_image_makes_as_many_as_asked(backend: Backend, book: ModelBook) -> None:
    catalogue = await load_catalogue(backend)
    parameters = make_parameters(
        catalogue, book, num_images=2, init_image_file_id="file_photo", strength=0.8
    )
    workflow = build_graph(parameters, [catalogue], book)
    made = await run(backend, workflow, {"file_photo": make_image(70, 50)})
    assert [one.shape for one in made] == [(64, 64, 3)] * 2


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("with_model", [True, False])
async def test_enlarging_ends_at_the_exact_size(
    backend: Backend, book: ModelBook, factor: int, with_model: bool
) -> None:
    catalogue = await load_catalogue(backend)
    offered = list_upscalers([catalogue], book)
    if with_model and not offered:
        pytest.skip("this server has no upscaling model")
    model = choose_upscaler(None, factor, offered if with_model else [], book)
    wanted = Upscaling("file_small", 61, 33, factor, model)
    workflow = build_upscale(wanted, [catalogue], book)
    [made] = await run(backend, workflow, {"file_small": make_image(61, 33)})
    assert made.shape == (33 * factor, 61 * factor, 3)
