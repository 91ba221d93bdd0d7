"""The sampler nodes: batches, strength, masks, control pictures, progress, magic words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from comfyhouse_engine import residence
from comfyhouse_engine.context import (
    Folders,
    InterruptProcessing,
    Preview,
    RunContext,
    entered,
)
from comfyhouse_engine.models import Clip, ControlNet, Model, Vae
from comfyhouse_engine.nodes import conditioning, control, latents, vae
from comfyhouse_engine.nodes.conditioning import Conditioning
from comfyhouse_engine.nodes.latents import Array, Latent
from comfyhouse_engine.nodes.loaders import CheckpointLoaderSimple, LoraLoader
from comfyhouse_engine.nodes.magic import OutOfMemoryError, PromptFailed
from comfyhouse_engine.nodes.sampling import KSampler, KSamplerAdvanced
from comfyhouse_engine.switches import Switches

VAE = Vae("sandbox-vae.safetensors")


class Run:
    """A run without a server: it notes the progress and can be interrupted."""

    def __init__(self, folder: Path) -> None:
        self.progress: list[tuple[int, int]] = []
        self.previews: list[Preview] = []
        self.interrupt_after: int | None = None
        self.context = RunContext(
            prompt_id="p",
            node_id="3",
            folders=Folders(folder, folder, folder),
            check_interrupt=self._check,
            report_progress=self._note,
            switches=Switches(),
            send_text=lambda text: None,
            send_image=lambda data, kind: None,
        )

    def _check(self) -> None:
        if self.interrupt_after is not None and len(self.progress) >= self.interrupt_after:
            raise InterruptProcessing

    def _note(self, value: int, maximum: int, preview: Preview | None) -> None:
        self.progress.append((value, maximum))
        assert preview is not None
        self.previews.append(preview)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    residence.unload_all()
    started = Run(tmp_path)
    with entered(started.context):
        yield started
    residence.unload_all()


def encode(text: str, **clip: Any) -> Conditioning:
    return conditioning.CLIPTextEncode().encode(text, replace(Clip("clip"), **clip))[0]


def sample(latent: Latent, text: str = "a lake in front of mountains", **changes: Any) -> Latent:
    values: dict[str, Any] = {
        "model": Model("sandbox-painter.safetensors"),
        "seed": 5,
        "steps": 4,
        "cfg": 7.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "positive": encode(text),
        "negative": encode(""),
        "latent_image": latent,
        "denoise": 1.0,
        **changes,
    }
    return KSampler().sample(**values)[0]


def decode(latent: Latent) -> Array:
    return vae.VAEDecode().decode(VAE, latent)[0]


def empty(width: int = 96, height: int = 64, batch: int = 1) -> Latent:
    return latents.EmptyLatentImage().generate(width, height, batch)[0]


def photo(width: int = 96, height: int = 64) -> Array:
    """A picture with smooth parts and edges, [1, H, W, 3]."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    red = xs / width
    green = ys / height
    blue = ((xs // 16 + ys // 16) % 2).astype(np.float32)
    return np.stack([red, green, blue], axis=2)[None].astype(np.float32)


def encode_photo(pixels: Array) -> Latent:
    return vae.VAEEncode().encode(VAE, pixels)[0]


def test_each_step_is_reported_with_a_small_preview(run: Run) -> None:
    sample(empty(512, 256), steps=6)
    assert run.progress == [(step, 6) for step in range(1, 7)]
    assert {preview.shape for preview in run.previews} == {(96, 192, 3)}
    assert {preview.dtype for preview in run.previews} == {np.dtype(np.uint8)}
    last = run.previews[-1].astype(float)
    distances = [np.abs(preview - last).mean() for preview in run.previews]
    assert distances == sorted(distances, reverse=True)


def test_a_batch_reports_its_steps_once(run: Run) -> None:
    assert decode(sample(empty(batch=3), steps=2)).shape == (3, 64, 96, 3)
    assert run.progress == [(1, 2), (2, 2)]


def test_image_k_of_a_batch_is_seed_plus_k_alone(run: Run) -> None:
    batch = decode(sample(empty(batch=3), seed=40))
    for k in range(3):
        assert np.array_equal(decode(sample(empty(), seed=40 + k))[0], batch[k])
    assert not np.array_equal(batch[0], batch[1])


def test_images_taken_from_a_batch_keep_their_seeds(run: Run) -> None:
    batch = decode(sample(empty(batch=3), seed=40))
    second = latents.LatentFromBatch().frombatch(empty(batch=3), 1, 2)[0]
    assert np.array_equal(decode(sample(second, seed=40)), batch[1:])


def test_a_repeated_latent_gives_different_pictures(run: Run) -> None:
    repeated = latents.RepeatLatentBatch().repeat(empty(), 3)[0]
    images = decode(sample(repeated, seed=40))
    assert np.array_equal(images, decode(sample(empty(batch=3), seed=40)))


def test_the_largest_seed_wraps_round(run: Run) -> None:
    images = decode(sample(empty(batch=2), seed=2**64 - 1))
    assert np.array_equal(images[1], decode(sample(empty(), seed=0))[0])


def test_strength_zero_keeps_the_pixels_and_more_strength_moves_every_pixel_on(run: Run) -> None:
    pixels = photo()
    latent = encode_photo(pixels)
    assert np.array_equal(decode(sample(latent, denoise=0.0)), pixels)
    before = np.zeros(pixels.shape, dtype=np.float32)
    means = []
    for strength in (0.01, 0.2, 0.4, 0.6, 0.8, 1.0):
        moved = np.abs(decode(sample(latent, denoise=strength)) - pixels)
        assert (moved >= before - 1e-6).all()
        means.append(float(moved.mean()))
        before = moved
    assert means == sorted(set(means))
    assert means[0] < 0.02 < 0.1 < means[-1]


def test_strength_one_owes_nothing_to_the_old_pixels(run: Run) -> None:
    assert np.array_equal(decode(sample(encode_photo(photo()))), decode(sample(empty())))


@pytest.mark.parametrize("denoise", [0.3, 0.8, 1.0])
def test_outside_the_mask_not_one_pixel_changes(run: Run, denoise: float) -> None:
    pixels = photo()
    mask = np.zeros((1, 64, 96), dtype=np.float32)
    mask[0, 13:41, 21:67] = 1.0
    latent = latents.SetLatentNoiseMask().set_mask(encode_photo(pixels), mask)[0]
    image = decode(sample(latent, denoise=denoise))
    outside = mask[0] == 0.0
    assert image[0][outside].tobytes() == pixels[0][outside].tobytes()
    changed = np.abs(image - pixels).max(axis=3)[0][~outside]
    assert (changed > 0.0).mean() > 0.95


def test_a_masked_repaint_carries_the_mark_inside_the_mask(run: Run) -> None:
    pixels = photo(384, 256)
    mask = np.zeros((1, 256, 384), dtype=np.float32)
    mask[0, 20:180, 40:300] = 1.0
    latent = latents.SetLatentNoiseMask().set_mask(encode_photo(pixels), mask)[0]
    unmarked = decode(sample(encode_photo(pixels), text="a cup on a table", steps=20))
    marked = decode(sample(latent, text="a cup on a table", steps=20))
    inside = mask[0] > 0.0
    written = (np.abs(marked - unmarked).max(axis=3)[0] > 0.3) & inside
    assert 100 < written.sum() < 0.1 * inside.sum()


def test_half_a_mask_is_half_a_change(run: Run) -> None:
    pixels = photo()
    half = np.full((1, 64, 96), 0.5, dtype=np.float32)
    latent = latents.SetLatentNoiseMask().set_mask(encode_photo(pixels), half)[0]
    whole = decode(sample(encode_photo(pixels)))
    assert np.allclose(decode(sample(latent)), (pixels + whole) / 2, atol=1e-6)


def test_inpainting_grows_the_mask_by_what_it_is_told(run: Run) -> None:
    pixels = photo()
    mask = np.zeros((1, 64, 96), dtype=np.float32)
    mask[0, 20:40, 30:60] = 1.0
    for grow, reach in ((0, 0), (9, 4)):
        latent = vae.VAEEncodeForInpaint().encode(VAE, pixels, mask, grow)[0]
        changed = np.abs(decode(sample(latent)) - pixels).max(axis=3)[0] > 0.0
        rows, columns = np.nonzero(changed)
        assert (rows.min(), rows.max()) == (20 - reach, 39 + reach)
        assert (columns.min(), columns.max()) == (30 - reach, 59 + reach)


def test_a_control_picture_shows_through_with_its_strength(run: Run) -> None:
    drawing = np.zeros((1, 64, 96, 3), dtype=np.float32)
    cv2.circle(drawing[0], (48, 32), 20, (1.0, 1.0, 1.0), 2)
    on_line = drawing[0, :, :, 0] > 0.5
    plain = decode(sample(empty()))[0]
    shown = []
    for strength in (0.0, 0.4, 1.0):
        hinted = control.ControlNetApplyAdvanced().apply_controlnet(
            encode("a lake in front of mountains"), encode(""),
            ControlNet("sandbox-canny.safetensors"), drawing, strength, 0.0, 1.0,
        )  # fmt: skip
        image = decode(sample(empty(), positive=hinted[0], negative=hinted[1]))[0]
        change = np.abs(image - plain).mean(axis=2)
        shown.append(float(change[on_line].mean()))
        assert change[on_line].mean() >= 5 * change[~on_line].mean()
    assert shown[0] == 0.0 < shown[1] < shown[2]
    assert shown[2] > 0.15


def test_guidance_stands_in_for_cfg_on_distilled_models(run: Run) -> None:
    words = encode("a red car on a road")
    weak, strong = (conditioning.FluxGuidance().append(words, value)[0] for value in (1.0, 6.0))
    pale, vivid = (
        decode(sample(empty(), cfg=1.0, positive=guided))[0] for guided in (weak, strong)
    )
    assert np.ptp(vivid, axis=2).mean() > np.ptp(pale, axis=2).mean()


def test_loras_of_model_and_text_encoder_and_clip_skip_matter(run: Run) -> None:
    name = "warm-light.safetensors"
    model, clip, _ = CheckpointLoaderSimple().load_checkpoint("sandbox-painter.safetensors")
    model, clip = LoraLoader().load_lora(model, clip, name, 0.8, 0.0)
    text = "a lake in front of mountains"
    plain = decode(sample(empty()))
    by_model = decode(sample(empty(), model=model, positive=encode(text, loras=clip.loras)))
    by_clip = decode(sample(empty(), positive=encode(text, loras=((name, 0.8),))))
    skipped = decode(sample(empty(), positive=encode(text, stop_at_layer=-2)))
    changes = [float(np.abs(image - plain).mean()) for image in (by_model, by_clip, skipped)]
    assert changes[0] > changes[1] > 0.001
    assert changes[2] > 0.001


def test_combined_texts_are_all_read_and_a_zeroed_one_is_not(run: Run) -> None:
    cat, dog = encode("a cat"), encode("a dog")
    both = conditioning.ConditioningCombine().combine(cat, dog)[0]
    assert conditioning.read_text(both).text == "a cat, a dog"
    assert conditioning.read_text(conditioning.ConditioningConcat().concat(cat, dog)[0]).text == (
        "a cat, a dog"
    )
    nothing = conditioning.ConditioningZeroOut().zero_out(cat)[0]
    assert np.array_equal(decode(sample(empty(), positive=nothing)), decode(sample(empty(), "")))


def test_two_samplers_share_the_work(run: Run) -> None:
    def advanced(latent: Latent, start: int, end: int, leftover: str) -> Latent:
        return KSamplerAdvanced().sample(
            Model("sandbox-painter.safetensors"), "enable", 5, 10, 7.0, "euler", "normal",
            encode("a lake in front of mountains"), encode(""), latent, start, end, leftover,
        )[0]  # fmt: skip

    first = advanced(empty(), 0, 6, "enable")
    assert run.progress == [(step, 6) for step in range(1, 7)]
    advanced(first, 6, 10_000, "disable")
    assert run.progress[6:] == [(step, 4) for step in range(1, 5)]
    whole = decode(advanced(empty(), 0, 10_000, "disable"))
    assert np.abs(decode(first) - whole).mean() > 0.005
    assert np.array_equal(whole, decode(sample(empty(), steps=10)))


def test_a_resized_latent_is_repainted_at_its_new_size(run: Run) -> None:
    small = sample(empty())
    large = latents.LatentUpscale().upscale(small, "bicubic", 192, 128, "disabled")[0]
    assert decode(large).shape == (1, 128, 192, 3)
    assert decode(sample(large, denoise=0.5)).shape == (1, 128, 192, 3)
    doubled = latents.LatentUpscaleBy().upscale(small, "area", 1.5)[0]
    assert doubled["samples"].shape == (1, 4, 12, 18)


def test_an_empty_latent_of_sixteen_channels_is_painted_but_not_decoded(run: Run) -> None:
    latent = latents.EmptySD3LatentImage().generate(64, 64, 1)[0]
    assert decode(sample(latent)).shape == (1, 64, 64, 3)
    with pytest.raises(RuntimeError, match=r"expected input\[1, 16, 8, 8\] to have 4 channels"):
        decode(latent)


def test_a_saved_latent_without_pixels_still_decodes(run: Run) -> None:
    painted = sample(empty())
    soft = decode({"samples": painted["samples"]})
    assert np.abs(soft - decode(painted)).mean() < 0.08


def test_an_interrupt_ends_the_run_between_steps(run: Run) -> None:
    run.interrupt_after = 3
    with pytest.raises(InterruptProcessing):
        sample(empty(), steps=50)
    assert len(run.progress) == 3


def test_hang_lasts_until_the_interrupt(run: Run) -> None:
    run.interrupt_after = 0
    with pytest.raises(InterruptProcessing):
        sample(empty(), "sandbox:hang")


@pytest.mark.parametrize(
    ("text", "error"),
    [("a cat sandbox:fail", PromptFailed), ("sandbox:out-of-memory", OutOfMemoryError)],
)
def test_magic_words_fail_the_run(run: Run, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        sample(empty(), text)


def test_magic_words_are_not_painted_and_lost_needs_permission(run: Run) -> None:
    plain = decode(sample(empty(), "a cat "))
    assert np.array_equal(decode(sample(empty(), "a cat sandbox:slow=0")), plain)
    assert np.array_equal(decode(sample(empty(), "a cat sandbox:lost")), plain)


def test_a_batch_that_is_too_big_runs_out_of_memory(run: Run) -> None:
    with pytest.raises(OutOfMemoryError, match="too many for the sandbox"):
        sample(empty(4096, 4096, 5))
    assert run.progress == []


def test_models_come_and_go_in_their_slots(run: Run) -> None:
    run.context.switches.model_slots = 2
    for name in ("one", "two", "one", "three"):
        CheckpointLoaderSimple().load_checkpoint(name)
    assert residence.list_loaded() == ["one", "three"]
