"""What our check lets through, a running engine takes and finishes."""

import io
import json
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from comfyhoused.core.workflows.catalogue import Catalogue, parse_catalogue
from comfyhoused.core.workflows.generate import build_graph
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.parameters import GenerateParameters, Lora, choose_model
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.validation import check_graph, find_errors
from comfyhoused.kit.ids import make_attempt_id, make_job_id
from tests.conftest import MakeEngine
from tests.processes import EngineProcess
from tests.waiting import wait_blocking

POLICY = NodePolicy()
BOOK = ModelBook.load()


def call(engine: EngineProcess, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        engine.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def run(engine: EngineProcess, workflow: Workflow) -> tuple[str, Any]:
    """Send the workflow as an attempt; return its id and its entry in the history."""
    attempt_id = make_attempt_id(make_job_id(), 1)
    names = {"file_abcd1234": "ch_picture.png"}
    graph = prepare_graph(workflow, attempt_id=attempt_id, file_names=names)
    answer = call(engine, "/prompt", {"prompt": graph, "prompt_id": attempt_id, "client_id": "c"})
    assert answer["node_errors"] == {}
    path = f"/history/{attempt_id}"
    wait_blocking(lambda: attempt_id in call(engine, path))
    return attempt_id, call(engine, path)[attempt_id]


def put_picture(engine: EngineProcess) -> None:
    """Upload a picture under the name that `run` uses."""
    buffer = io.BytesIO()
    Image.new("RGBA", (40, 30), (200, 40, 10, 128)).save(buffer, "PNG")
    head = 'Content-Disposition: form-data; name="image"; filename="ch_picture.png"'
    body = f"--b\r\n{head}\r\n\r\n".encode() + buffer.getvalue() + b"\r\n--b--\r\n"
    request = urllib.request.Request(
        f"{engine.url}/upload/image",
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.loads(answer.read())["name"] == "ch_picture.png"


@pytest.fixture
def engine(make_engine: MakeEngine) -> EngineProcess:
    return make_engine()


@pytest.fixture
def catalogue(engine: EngineProcess) -> Catalogue:
    return parse_catalogue(call(engine, "/object_info"))


def test_generate_runs_on_the_engine(engine: EngineProcess, catalogue: Catalogue) -> None:
    put_picture(engine)
    plain = GenerateParameters(
        prompt="a red barn",
        model=choose_model(None, list(list_painters([catalogue], BOOK))),
        seed=5,
        width=64,
        height=128,
        steps=2,
        num_images=2,
        loras=tuple(Lora(name, 0.5) for name in catalogue.loras[:2]),
    )
    for file_id in (None, "file_abcd1234"):
        parameters = replace(plain, init_image_file_id=file_id)
        workflow = build_graph(parameters, [catalogue], BOOK)
        assert find_errors(workflow.graph, catalogue, POLICY) == []
        attempt_id, entry = run(engine, workflow)
        assert entry["status"]["status_str"] == "success"
        images = entry["outputs"]["output"]["images"]
        assert [(image["subfolder"], image["type"]) for image in images] == [("ch", "output")] * 2
        assert all(image["filename"].startswith(f"{attempt_id}_output_") for image in images)


def test_a_raw_workflow_runs_on_the_engine(engine: EngineProcess, catalogue: Catalogue) -> None:
    put_picture(engine)
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": {"file_id": "file_abcd1234"}}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {
            "class_type": "PreviewImage",
            "inputs": {"images": ["2", 0]},
            "_meta": {"title": "x"},
        },
        "4": {"class_type": "MaskPreview", "inputs": {"mask": ["1", 1]}},
        "5": {"class_type": "EmptyImage", "inputs": {}},
    }
    attempt_id, entry = run(engine, check_graph(graph, catalogue, POLICY))
    assert entry["status"]["status_str"] == "success"
    names = {node_id: out["images"][0]["filename"] for node_id, out in entry["outputs"].items()}
    assert names == {node: f"{attempt_id}_{node}_00001_.png" for node in ("3", "4")}
