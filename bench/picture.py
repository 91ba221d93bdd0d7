"""`POST /generate`, which answers with the picture, against the same graph sent directly."""

import random
import time
import uuid
from typing import Any

from bench.figures import Figure, find_percentile, summarise
from bench.place import Place
from comfyhoused.core.workflows.graph import Workflow
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import Painter
from comfyhoused.core.workflows.parameters import GenerateParameters
from comfyhoused.core.workflows.parts import Plan
from comfyhoused.core.workflows.preparation import prepare_graph
from comfyhoused.core.workflows.text_to_image import make_text_to_image

_PAIRS = 30
_SIDE = 64
_PROMPT = "a red boat"


async def measure_picture(place: Place, details: dict[str, Any]) -> list[Figure]:
    """Make small pictures in both ways in turn."""
    if not place.is_engine:
        return [Figure("generate: ratio, p50", "×", None, note="only with the built-in engine")]
    first = await _generate(place, 1)
    model = str(first["parameters"]["model"])
    direct, ours = [], []
    for _ in range(_PAIRS):
        begun = time.perf_counter()
        await place.direct.run(_make_graph(model, _make_seed()))
        direct.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        await _generate(place, _make_seed())
        ours.append((time.perf_counter() - begun) * 1000)
    details["generate"] = {"direct": summarise(direct), "ours": summarise(ours)}
    middle = find_percentile(direct, 50)
    added = [one - middle for one in ours]
    return [
        Figure("generate 64², Prefer: wait: ratio, p50", "×", find_percentile(ours, 50) / middle),
        Figure("generate 64², Prefer: wait: added, p50", "ms", find_percentile(added, 50)),
        Figure("generate 64², Prefer: wait: added, p95", "ms", find_percentile(added, 95)),
    ]


async def _generate(place: Place, seed: int) -> dict[str, Any]:
    customer = place.customer
    job = await customer.generate(prompt=_PROMPT, width=_SIDE, height=_SIDE, steps=1, seed=seed)
    assert len(await customer.download(job)) == 1
    return job


def _make_graph(model: str, seed: int) -> Any:
    parameters = GenerateParameters(
        prompt=_PROMPT, model=model, seed=seed, width=_SIDE, height=_SIDE, steps=1
    )
    plan = Plan(parameters, Painter(model, ModelBook.load().families["sd15"]))
    workflow = Workflow(make_text_to_image(plan))
    return prepare_graph(workflow, attempt_id=str(uuid.uuid4()), file_names={})


def _make_seed() -> int:
    return random.randrange(2**32)
