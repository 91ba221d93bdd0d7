"""Which way up a picture is shown, against what Pillow finds."""

from io import BytesIO

import pytest
from PIL import Image, ImageOps

from comfyhoused.core.files.orientation import is_turned, read_orientation
from tests.pictures import encode, make_image

KINDS = ["JPEG", "PNG", "WebP"]


def make_file(kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    return encode(make_image(30, 20), kind, exif=exif)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_found_as_pillow_finds_it(kind: str, orientation: int) -> None:
    content = make_file(kind, orientation)
    found = read_orientation(BytesIO(content), f"image/{kind.lower()}")
    assert found == orientation
    shown = ImageOps.exif_transpose(Image.open(BytesIO(content)))
    assert is_turned(found) == (shown.size == (20, 30))


@pytest.mark.parametrize("kind", KINDS)
def test_what_says_nothing_or_nonsense_is_upright(kind: str) -> None:
    content_type = f"image/{kind.lower()}"
    assert read_orientation(BytesIO(encode(make_image(8, 8), kind)), content_type) == 1
    assert read_orientation(BytesIO(make_file(kind, 9)), content_type) == 1
    whole = make_file(kind, 6)
    cuts = [read_orientation(BytesIO(whole[:end]), content_type) for end in range(len(whole))]
    assert set(cuts) <= {1, 6}
    assert read_orientation(BytesIO(whole), "image/gif") == 1
