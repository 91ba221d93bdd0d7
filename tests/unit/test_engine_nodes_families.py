"""Nodes of one model family in the engine: each of their inputs matters."""

import numpy as np
import pytest

from comfyhouse_engine.models import Clip, ControlNet, Model
from comfyhouse_engine.nodes.conditioning import CLIPTextEncode, find_guidance, read_text
from comfyhouse_engine.nodes.control import (
    ControlNetApplyAdvanced,
    SetUnionControlNetType,
    list_hints,
)
from comfyhouse_engine.nodes.families import (
    CLIPTextEncodeFlux,
    CLIPTextEncodeSDXL,
    ModelSamplingFlux,
)
from comfyhouse_engine.nodes.painting import Order

CLIP = Clip("clip", loras=(("warm", 0.5),))
SIZES = {"width": 64, "height": 64, "crop_w": 0, "crop_h": 0}


def paint(**changes: object) -> bytes:
    texts = {"positive": CLIPTextEncode().encode("a lake", CLIP)[0], "negative": []}
    values = {"model": Model("m"), "steps": 4, "cfg": 1.0, "sampler": "euler", **texts, **changes}
    order = Order(scheduler="simple", **values)  # type: ignore[arg-type]
    return order.paint(3, 64, 64).tobytes()


def test_both_texts_of_sdxl_are_read_and_one_said_twice_only_once() -> None:
    encode = CLIPTextEncodeSDXL().encode
    once = read_text(encode(CLIP, "a boat", "a boat", **SIZES)[0])
    both = read_text(encode(CLIP, "a boat", "at dusk", **SIZES)[0])
    assert (once.text, both.text) == ("a boat", "a boat, at dusk")
    assert once.loras == CLIP.loras


def test_flux_reads_two_texts_and_its_guidance() -> None:
    weak, strong = (
        CLIPTextEncodeFlux().encode(CLIP, "a boat", "a red boat at dusk", guidance)[0]
        for guidance in (1.5, 8.0)
    )
    assert read_text(weak).text == "a boat, a red boat at dusk"
    assert (find_guidance(weak), find_guidance(strong)) == (1.5, 8.0)
    assert paint(positive=weak) != paint(positive=strong)


def test_the_shift_grows_with_the_picture_and_changes_it() -> None:
    patch = ModelSamplingFlux().patch
    small, middle, large = (
        patch(Model("m"), 1.15, 0.5, side, side)[0] for side in (256, 512, 1024)
    )
    shifts = [model.shift for model in (small, middle, large)]
    assert shifts == sorted(set(shifts), key=lambda shift: shift or 0)
    assert large.shift == pytest.approx(np.exp(1.15))
    assert len({paint(), paint(model=small), paint(model=large)}) == 3


def test_a_union_reads_what_it_is_set_to() -> None:
    net = ControlNet("union.safetensors")
    image = np.ones((1, 8, 8, 3), np.float32)

    def apply(one: ControlNet) -> str:
        positive = CLIPTextEncode().encode("a lake", CLIP)[0]
        hung, _ = ControlNetApplyAdvanced().apply_controlnet(
            positive, positive, one, image, 1.0, 0.0, 1.0
        )
        [hint] = list_hints(hung)
        return hint.control_net

    set_type = SetUnionControlNetType().set_controlnet_type
    assert apply(set_type(net, type="depth")[0]) == "depth"
    assert apply(set_type(net, type="auto")[0]) == "union.safetensors"
