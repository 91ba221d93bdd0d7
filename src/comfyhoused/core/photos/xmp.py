"""XMP, patched by its text: the few properties that say how the pixels lie.

Source: "XMP Specification Part 2" (Adobe), namespaces tiff and exif.
"""

import re

_QUOTED = rb'(%b\s*=\s*["\'])[^"\']*(["\'])'
_NESTED = rb"(<%b>)[^<]*(</)"
#: Films and second pictures that phones hang behind the photo, and which are not there any more.
_GONE = (b"GCamera:MotionPhoto", b"GCamera:MicroVideo")
_GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/"


def patch_xmp(xmp: bytes, width: int, height: int) -> bytes:
    """Return the packet for an upright picture of this size."""
    values = {
        b"tiff:Orientation": b"1",
        b"tiff:ImageWidth": str(width).encode(),
        b"tiff:ImageLength": str(height).encode(),
        b"exif:PixelXDimension": str(width).encode(),
        b"exif:PixelYDimension": str(height).encode(),
        **dict.fromkeys(_GONE, b"0"),
    }
    for name, value in values.items():
        for form in (_QUOTED, _NESTED):
            xmp = re.sub(form % name, rb"\g<1>%b\g<2>" % value, xmp)
    return xmp


def has_gain_map(xmp: bytes) -> bool:
    """Tell whether the photo came with a second picture for bright screens."""
    return _GAIN_MAP in xmp
