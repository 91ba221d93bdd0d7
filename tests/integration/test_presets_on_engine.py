"""Ours of the presets, through a running engine: allowed, run, and the pixels of the nodes."""

import io
import json
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image

from comfyhouse_nodes.photo.nodes import NODE_CLASS_MAPPINGS
from comfyhouse_nodes.photo.pictures import Floats
from comfyhoused.core.workflows.catalogue import parse_catalogue
from comfyhoused.core.workflows.policy import NodePolicy
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.validation import check_graph
from comfyhoused.creator.presets.book import PresetBook
from comfyhoused.creator.presets.graph import make_graph
from comfyhoused.creator.presets.report import read_report
from comfyhoused.kit.ids import make_attempt_id, make_job_id
from tests.conftest import MakeEngine
from tests.photos import load_photo
from tests.processes import EngineProcess
from tests.waiting import wait_blocking

BOOK = PresetBook.load()
PHOTO = np.ascontiguousarray(load_photo("coffee")[::3, ::3])


def fetch(engine: EngineProcess, path: str, body: bytes | None = None, kind: str = "") -> bytes:
    headers = {"Content-Type": kind or "application/json"}
    request = urllib.request.Request(engine.url + path, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        content: bytes = answer.read()
        return content


def upload(engine: EngineProcess, photo: Floats) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.rint(photo * 255).astype(np.uint8)).save(buffer, "PNG")
    head = 'Content-Disposition: form-data; name="image"; filename="ch_photo.png"'
    body = f"--b\r\n{head}\r\n\r\n".encode() + buffer.getvalue() + b"\r\n--b--\r\n"
    fetch(engine, "/upload/image", body, "multipart/form-data; boundary=b")


def run(engine: EngineProcess, name: str, strength: int) -> tuple[Floats, list[str]]:
    """Run a preset as our server sends it; return its picture and its texts."""
    catalogue = parse_catalogue(json.loads(fetch(engine, "/object_info")))
    graph = make_graph(BOOK.get(name), file_id="file_abcd1234", strength=strength, parameters={})
    workflow = check_graph(graph, catalogue, NodePolicy())
    attempt = make_attempt_id(make_job_id(), 1)
    names = {"file_abcd1234": "ch_photo.png"}
    prompt = prepare_graph(workflow, attempt_id=attempt, file_names=names)
    body = {"prompt": prompt, "prompt_id": attempt, "client_id": "c"}
    fetch(engine, "/prompt", json.dumps(body).encode())
    wait_blocking(lambda: attempt in json.loads(fetch(engine, f"/history/{attempt}")), 120)
    entry: Any = json.loads(fetch(engine, f"/history/{attempt}"))[attempt]
    assert entry["status"]["status_str"] == "success"
    (image,) = [one for out in entry["outputs"].values() for one in out.get("images", [])]
    texts = [one for out in entry["outputs"].values() for one in out.get("text", [])]
    address = f"/view?filename={image['filename']}&subfolder={image['subfolder']}&type=output"
    pixels = np.asarray(Image.open(io.BytesIO(fetch(engine, address))).convert("RGB"))
    return pixels.astype(np.float32) / np.float32(255), texts


@pytest.mark.parametrize("name", ["portrait-pro", "cinematic"])
def test_the_engine_gives_the_nodes_own_pixels(make_engine: MakeEngine, name: str) -> None:
    engine = make_engine()
    upload(engine, PHOTO)
    preset = BOOK.get(name)

    result, texts = run(engine, name, 60)
    node: Any = NODE_CLASS_MAPPINGS[preset.graph["2"]["class_type"]]
    inputs = {**preset.describe_defaults(), "strength": 60}
    wanted, report = getattr(node(), node.FUNCTION)(image=PHOTO[np.newaxis], **inputs)

    assert (result == wanted[0]).all()
    assert texts == [report]
    assert read_report(texts).notes == tuple(json.loads(report)["notes"])


def test_strength_0_of_each_preset_gives_back_the_photo(make_engine: MakeEngine) -> None:
    engine = make_engine()
    upload(engine, PHOTO)

    for preset in BOOK.list():
        assert (run(engine, preset.name, 0)[0] == PHOTO).all()
