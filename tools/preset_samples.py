"""Makes the samples of our presets from scikit-image's photos: `python -m tools.preset_samples`.

They are in the public domain or CC0: NASA's astronaut, Rachel Michetti's coffee, SpaceX's rocket.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import skimage.data

from comfyhouse_nodes.photo.nodes import NODE_CLASS_MAPPINGS
from comfyhouse_nodes.photo.pictures import Floats
from comfyhoused.creator.presets.book import PresetBook

_OURS = Path(__file__).parents[1] / "src" / "comfyhoused" / "creator" / "presets" / "ours"
_PHOTOS = {"portrait-pro": "astronaut", "product-glow": "coffee", "cinematic": "rocket"}


def write_sample(name: str, photo: Floats) -> None:
    """Write samples/before.jpg and after.jpg of one preset, at its usual strength."""
    preset = PresetBook.load().get(name)
    node: Any = NODE_CLASS_MAPPINGS[preset.graph["2"]["class_type"]]
    values = {**preset.describe_defaults(), "strength": preset.usual_strength}
    after, _ = getattr(node(), node.FUNCTION)(image=photo[np.newaxis], **values)
    for called, picture in (("before", photo), ("after", after[0])):
        levels = np.rint(picture[..., ::-1] * 255).astype(np.uint8)
        path = _OURS / name / "samples" / f"{called}.jpg"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), levels, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    for preset_name, photo_name in _PHOTOS.items():
        levels: Any = getattr(skimage.data, photo_name)()
        write_sample(preset_name, np.asarray(levels, np.float32) / np.float32(255))
