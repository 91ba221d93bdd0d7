"""Photos made for tests: every kind, orientation and colour space, with much to be kept."""

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from comfyhoused.core.photos.profiles import make_adobe_rgb, make_display_p3

pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)

PLUGINS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "heic": "HEIF"}
COPYRIGHT = "© Ada Lövelace 2026"
IPTC = b"\x1c\x02\x74\x00\x0cAda Lovelace\x1c\x02\x05\x00\x07Engines\x00"
MAKER_NOTE = b"Maker\x00\x00\x01" + bytes(range(64))
THUMBNAIL = b"\xff\xd8 a stale thumbnail \xff\xd9"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="1" dc:rights="Ada">'
    b"<tiff:ImageWidth>1</tiff:ImageWidth></rdf:Description></rdf:RDF></x:xmpmeta>"
)

#: How a viewer turns stored pixels of each orientation so that they are upright.
_STORE = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, 1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}


def make_scene(width: int = 96, height: int = 64, channels: int = 3) -> np.ndarray:
    """Return smooth colours, another in each corner, so that no turn goes unseen."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    blue = 255 - (red + green) / 2
    alpha = 255 * (0.25 + 0.75 * x / (width - 1))
    return np.stack([red, green, blue, alpha][:channels], axis=-1).round().astype(np.uint8)


def store_turned(upright: np.ndarray, orientation: int) -> Image.Image:
    """Return the pixels as a camera stores them that was held so."""
    return Image.fromarray(np.ascontiguousarray(_STORE[orientation](upright)))


def make_exif(
    orientation: int = 1,
    *,
    order: str = "<",
    interoperability: str = "",
    maker_note: bytes = MAKER_NOTE,
) -> bytes:
    """Return an EXIF block as cameras write it: GPS, a maker's note, a thumbnail behind."""
    writer = _Exif(order)
    gps = writer.put_directory(
        [(0, 1, bytes([2, 3, 0, 0])), (1, 2, b"N\x00"), (2, 5, writer.rationals(51, 30, 26))]
    )
    said = interoperability.encode() + b"\x00"
    inter = writer.put_directory([(1, 2, said)]) if interoperability else 0
    below = [
        (0x9003, 2, b"2026:11:22 10:11:12\x00"),
        (0x927C, 7, maker_note),
        (0x9286, 7, b"ASCII\x00\x00\x00a note"),
        (0xA001, 3, writer.shorts(65535)),
        (0xA002, 4, writer.longs(9999)),
        (0xA003, 4, writer.longs(8888)),
    ]
    below += [(0xA005, 4, writer.longs(inter))] if inter else []
    exif = writer.put_directory(below)
    first = [
        (0x010F, 2, b"Comfycam\x00"),
        (0x0112, 3, writer.shorts(orientation)),
        (0x8298, 2, COPYRIGHT.encode() + b"\x00"),
        (0x8769, 4, writer.longs(exif)),
        (0x8825, 4, writer.longs(gps)),
    ]
    return writer.finish(first)


class _Exif:
    """A TIFF structure written from its leaves to its root."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.data = bytearray((b"II*\x00" if order == "<" else b"MM\x00*") + bytes(4))

    def shorts(self, *values: int) -> bytes:
        return struct.pack(f"{self.order}{len(values)}H", *values)

    def longs(self, *values: int) -> bytes:
        return struct.pack(f"{self.order}{len(values)}I", *values)

    def rationals(self, *values: int) -> bytes:
        return b"".join(self.longs(value, 1) for value in values)

    def put_directory(self, values: list[tuple[int, int, bytes]], following: int = 0) -> int:
        rows = b""
        for tag, kind, value in values:
            count = len(value) // {3: 2, 4: 4, 5: 8}.get(kind, 1)
            placed = value.ljust(4, b"\x00") if len(value) <= 4 else self.longs(self.put(value))
            rows += struct.pack(f"{self.order}HHI", tag, kind, count) + placed
        return self.put(self.shorts(len(values)) + rows + self.longs(following))

    def put(self, content: bytes) -> int:
        self.data += bytes(len(self.data) % 2)
        at = len(self.data)
        self.data += content
        return at

    def finish(self, first: list[tuple[int, int, bytes]], *, has_thumbnail: bool = True) -> bytes:
        at = self.put_directory(first)
        self.data[4:8] = self.longs(at)
        if not has_thumbnail:
            return bytes(self.data)
        thumbnail = self.put(THUMBNAIL)
        second = self.put_directory(
            [(0x0201, 4, self.longs(thumbnail)), (0x0202, 4, self.longs(len(THUMBNAIL)))]
        )
        next_at = at + 2 + 12 * len(first)
        self.data[next_at : next_at + 4] = self.longs(second)
        return bytes(self.data)


def make_profile(name: str) -> bytes | None:
    """Return the ICC profile of `srgb`, `p3` or `adobe`; None for `none`."""
    if name == "srgb":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {"p3": make_display_p3(), "adobe": make_adobe_rgb()}.get(name)


def write_photo(
    path: Path,
    kind: str,
    image: Image.Image,
    *,
    orientation: int = 1,
    profile: bytes | None = None,
    **options: Any,
) -> Path:
    """Write a photo with all its metadata, at high quality."""
    exif = make_exif(orientation, order=">" if kind == "png" else "<")
    xmp = make_xmp(orientation)
    said: dict[str, Any] = {"icc_profile": profile} if profile else {}
    if kind == "jpeg":
        iptc = b"Photoshop 3.0\x00" + make_resources({1028: IPTC, 1036: THUMBNAIL})
        extra = b"\xff\xed" + struct.pack(">H", len(iptc) + 2) + iptc
        said |= {"quality": 95, "subsampling": 0, "exif": b"Exif\x00\x00" + exif, "xmp": xmp}
        said |= {"extra": extra, "comment": b"a comment"}
    elif kind == "png":
        texts = PngInfo()
        texts.add_text("Author", "Ada", zip=True)
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
        said |= {"exif": exif, "pnginfo": texts}
    elif kind == "webp":
        said |= {"exif": exif, "xmp": xmp, "quality": 95, "method": 0}
    elif kind == "heic":
        said |= {"exif": b"Exif\x00\x00" + exif, "xmp": xmp, "quality": 95}
        said |= {"enc_params": {"preset": "ultrafast"}, "chroma": 444}
    else:
        path.write_bytes(make_tiff(image, orientation, profile))
        return path
    image.save(path, PLUGINS[kind], **(said | options))
    return path


def make_resources(resources: Mapping[int, bytes]) -> bytes:
    """Return blocks as Photoshop writes them."""
    blocks = b""
    for number, content in resources.items():
        blocks += b"8BIM" + struct.pack(">H", number) + b"\x00\x00"
        blocks += struct.pack(">I", len(content)) + content + bytes(len(content) % 2)
    return blocks


def make_xmp(orientation: int) -> bytes:
    """Return a packet that repeats the orientation, as programs on computers write it."""
    return XMP.replace(b'Orientation="1"', b'Orientation="%d"' % orientation)


def make_tiff(image: Image.Image, orientation: int, profile: bytes | None) -> bytes:
    """Return a TIFF as a program on another kind of machine writes it: the other byte order."""
    writer = _Exif(">")
    gps = writer.put_directory([(1, 2, b"N\x00"), (2, 5, writer.rationals(51, 30, 26))])
    below = [(0x9003, 2, b"2026:11:22 10:11:12\x00"), (0x927C, 7, MAKER_NOTE)]
    exif = writer.put_directory([*below, (0xA002, 4, writer.longs(9999))])
    channels = len(image.getbands())
    strip = writer.put(image.tobytes())
    tags = [
        (256, 4, writer.longs(image.width)),
        (257, 4, writer.longs(image.height)),
        (258, 3, writer.shorts(*[8] * channels)),
        (259, 3, writer.shorts(1)),
        (262, 3, writer.shorts(2)),
        (0x010F, 2, b"Comfycam\x00"),
        (273, 4, writer.longs(strip)),
        (0x0112, 3, writer.shorts(orientation)),
        (277, 3, writer.shorts(channels)),
        (278, 4, writer.longs(image.height)),
        (279, 4, writer.longs(len(image.tobytes()))),
        (282, 5, writer.rationals(300)),
    ]
    tags += [(338, 3, writer.shorts(2))] if channels == 4 else []
    tags += [(700, 1, make_xmp(orientation)), (0x8298, 2, COPYRIGHT.encode() + b"\x00")]
    tags += [(33723, 7, IPTC), (0x8769, 4, writer.longs(exif))]
    tags += [(34675, 7, profile)] if profile else []
    return writer.finish([*tags, (0x8825, 4, writer.longs(gps))], has_thumbnail=False)


def open_upright(path: Path) -> np.ndarray:
    """Return the pixels as stored, as floats; for results, which are upright as stored."""
    with Image.open(path) as image:
        return np.asarray(image).astype(np.float64)


def encode_png(pixels: np.ndarray) -> bytes:
    """Return pixels as ComfyUI saves them."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
