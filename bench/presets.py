"""The figures of the three presets, on real photos and on composites with known masks.

`python -m bench.presets` prints them and writes bench/out/presets.json.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

from bench import figures as bench_figures
from bench.composites import list_composites
from bench.place import Place
from comfyhouse_nodes.photo import cinematic, evening, portrait, product
from comfyhouse_nodes.photo.lut import apply_table, make_table
from comfyhouse_nodes.photo.pictures import Floats, blur, enlarge, round_to_bytes
from tests.photos import load_photo, make_product

OUT = Path(__file__).with_name("out") / "presets.json"
STRENGTH = 60
# Luminance and warmth of six tones, from very light to very dark, as gains on the same portrait.
TONES = {
    "I": (1.08, 1.05, 1.05),
    "II": (1.0, 1.0, 1.0),
    "III": (0.88, 0.82, 0.78),
    "IV": (0.72, 0.62, 0.55),
    "V": (0.52, 0.41, 0.34),
    "VI": (0.34, 0.25, 0.20),
}
similarity: Any = structural_similarity
difference: Any = deltaE_ciede2000
to_lab: Any = rgb2lab

Figure = tuple[str, str, float, bool]


def measure_portrait(photo: Floats, name: str) -> Iterator[Figure]:
    """Yield mid band, high band and likeness outside the mask at strength 60."""
    found = portrait.look(photo)
    face = found.faces[0]
    skin = draw_skin(photo, face)
    evened = portrait.improve(photo, portrait.Finding([face]), STRENGTH, 0, 0)
    before = evening.measure_bands(photo, skin, face.width)
    after = evening.measure_bands(evened, skin, face.width)
    middle, high = after[1] / before[1] - 1, after[0] / before[0]
    yield name, "skin mid-band variance −25…−60 %", 100 * middle, -0.60 <= middle <= -0.25
    yield name, "high band kept ≥ 85 %", 100 * high, high >= 0.85
    whole = portrait.improve(photo, found, STRENGTH, 50, 50)
    _, alike = similarity(photo, whole, channel_axis=2, data_range=1, full=True)
    outside = float(alike[skin < 0.01].mean())
    yield name, "SSIM ≥ 0.985 outside the mask", outside, outside >= 0.985


def draw_skin(photo: Floats, face: Any) -> Floats:
    """Return the skin mask of one face at the size of the photo."""
    patch = evening.make_patch(photo, face, 0.6)
    rows, columns = patch.rows, patch.columns
    skin = np.zeros(photo.shape[:2], np.float32)
    size = columns.stop - columns.start, rows.stop - rows.start
    skin[rows, columns] = enlarge(patch.skin, *size)
    return skin


def measure_tones(photo: Floats) -> Iterator[Figure]:
    """Yield how far six skin tones, made of one portrait, are treated apart."""
    face = portrait.look(photo).faces[0]
    # Wide and soft, so that no edge is made that was not there.
    width = round(face.width)
    wide = cv2.dilate(draw_skin(photo, face), np.ones((width // 2, width // 2), np.uint8))
    marked = blur(np.asarray(wide, np.float32), 0.2 * width)[..., np.newaxis]
    changes = []
    for name, gains in TONES.items():
        toned = np.clip(photo * (1 + marked * (np.array(gains, np.float32) - 1)), 0, 1)
        for _, said, value, fits in list(measure_portrait(round_to_bytes(toned), name))[:2]:
            if said.startswith("skin"):
                changes.append(value)
                yield f"skin tone {name}", said, value, fits
    spread = max(changes) - min(changes)
    yield "six skin tones", "mid band: furthest apart ≤ 10 points", spread, spread <= 10


def measure_product(photo: Floats, mask: Floats, name: str) -> Iterator[Figure]:
    """Yield background, overlap and colour of a composite whose mask is known."""
    subject = product.look(photo)
    if subject.alpha is None:
        yield name, "mask IoU ≥ 0.90", 0.0, False
        return
    white = product.stand(photo, subject, 100, np.ones(3, np.float32), 0)
    alpha = product.stand(photo, subject, 100, None, 0)[..., 3]
    truth, found = mask > 0.5, alpha > 0.5
    overlap = float((truth & found).sum() / (truth | found).sum())
    yield name, "mask IoU ≥ 0.90", overlap, overlap >= 0.90
    far = cv2.dilate(truth.astype(np.uint8), np.ones((7, 7), np.uint8)) == 0
    # The tip of a hair covers a part of a pixel: that is not ground.
    far &= mask <= 0.02
    lightest = 255 * float(np.quantile(white[far], 0.001))
    yield name, "background ≥ 250 (99.9 % of it)", lightest, lightest >= 250
    core = cv2.erode(truth.astype(np.uint8), np.ones((9, 9), np.uint8)) == 1
    apart = float(difference(to_lab(photo)[core], to_lab(white)[core]).mean())
    yield name, "core ΔE00 ≤ 3", apart, apart <= 3


def measure_table() -> Iterator[Figure]:
    """Yield the greatest error of a table that is to change nothing, in 1/255."""
    pixels = np.random.default_rng(1).random((256, 256, 3), np.float32)
    error = 255 * float(np.abs(apply_table(make_table(lambda one: one), pixels) - pixels).max())
    yield "colour table", "identity error ≤ 1/255 (in 1/255)", error, error <= 1


def measure_set() -> Iterator[Figure]:
    """Yield how alike the look is over photos of three exposures each, and what it loses."""
    casts, lost = [], []
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        for gain in (0.6, 1.0, 1.4):
            photo = round_to_bytes(load_photo(name) * np.float32(gain))
            film = cinematic.grade(photo, STRENGTH, 0, 0, "none")
            moved = to_lab(film) - to_lab(photo)
            light = to_lab(photo)[..., 0]
            grey = np.ptp(photo, axis=2) < 0.12
            casts.append(
                [
                    _mean(moved[..., 2], grey & (light > low) & (light < low + 25))
                    for low in (12, 62)
                ]
            )
            open_ = (photo > 1 / 255).all(axis=2) & (photo < 254 / 255).all(axis=2)
            closed = (film <= 0).any(axis=2) | (film >= 1).any(axis=2)
            lost.append(100 * float((open_ & closed).mean()))
    for at, part in enumerate(("shadows", "lights")):
        spread = float(np.nanstd([one[at] for one in casts]))
        yield "Cinematic, 12 photos", f"b* of grey {part}: spread ≤ 2", spread, spread <= 2
    yield "Cinematic, 12 photos", "newly clipped, worst photo ≤ 1 %", max(lost), max(lost) <= 1


def _mean(values: Any, where: Any) -> float:
    return float(values[where].mean()) if np.count_nonzero(where) > 500 else float("nan")


def measure_all() -> Iterator[Figure]:
    """Yield every figure: preset or photo, target, value, and whether it is met."""
    astronaut = load_photo("astronaut")
    twice = np.clip(cv2.resize(astronaut, (1536, 1536), interpolation=cv2.INTER_CUBIC), 0, 1)
    noise = np.random.default_rng(1).normal(0, 0.012, twice.shape)
    yield from measure_portrait(astronaut, "astronaut 512 px")
    large = round_to_bytes(np.asarray(twice + noise, np.float32))
    yield from measure_portrait(large, "astronaut 1536 px, with grain")
    yield from measure_tones(astronaut)
    yield from measure_product(*make_product(), "bottle, composite")
    yield from measure_product(*make_product(960, 800), "bottle, composite 960 px")
    for name, photo, mask in list_composites():
        yield from measure_product(photo, mask, name)
    yield from measure_table()
    yield from measure_set()


async def measure_presets(place: Place, details: dict[str, Any]) -> list[bench_figures.Figure]:
    """Measure all of them: their targets are ranges of many kinds, so that the misses are told."""
    del place
    figures = await asyncio.to_thread(lambda: [_describe(one) for one in measure_all()])
    details["presets"] = figures
    missed = sum(not figure["met"] for figure in figures)
    name = f"Presets: misses among {len(figures)} figures"
    return [bench_figures.Figure(name, "", missed, bench_figures.Target(0))]


def _describe(figure: Figure) -> dict[str, Any]:
    return dict(zip(("on", "target", "value", "met"), figure, strict=True))


def main() -> None:
    """Measure, print and keep."""
    figures = []
    for figure in measure_all():
        name, target, value, is_met = figure
        print(f"{name:32} {target:40} {value:9.3f}  {'met' if is_met else 'MISSED'}", flush=True)
        figures.append(_describe(figure))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
