"""Colour profiles that photos name without carrying them: made here, a few hundred bytes each.

Sources: ICC.1:2022, 7 to 10; "Adobe RGB (1998) Color Image Encoding"; SMPTE EG 432-1 (P3) with
IEC 61966-2-1's curve, both adapted to D50 by Bradford's matrix.
"""

import struct
from functools import cache

#: XYZ (D50) of red, green and blue.
_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
_ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
_D50 = (0.96420, 1.0, 0.82491)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
_ADOBE_GAMMA = (563 / 256,)


@cache
def make_display_p3() -> bytes:
    """Return a profile of Display P3."""
    return _make("Display P3", _P3, _SRGB_CURVE)


@cache
def make_adobe_rgb() -> bytes:
    """Return a profile of Adobe RGB (1998)."""
    return _make("Adobe RGB (1998)", _ADOBE, _ADOBE_GAMMA)


def _make(
    name: str, colours: tuple[tuple[float, float, float], ...], curve: tuple[float, ...]
) -> bytes:
    trc = _make_curve(curve)
    tags = [
        (b"desc", _make_text(name)),
        (b"cprt", _make_text("No copyright, use freely")),
        (b"wtpt", _make_xyz(_D50)),
        *zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_make_xyz, colours), strict=True),
        *((tag, trc) for tag in (b"rTRC", b"gTRC", b"bTRC")),
    ]
    at = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags:
        table += struct.pack(">4sII", tag, at + len(bodies), len(body))
        bodies += body
    return _make_header(at + len(bodies)) + table + bodies


def _make_header(size: int) -> bytes:
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    return struct.pack(
        ">I4sI4s4s4s12s4s4sI4s4sQI12s4s44x",
        size,
        b"",
        0x04300000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        date,
        b"acsp",
        b"",
        0,
        b"",
        b"",
        0,
        0,
        _make_xyz(_D50)[8:],
        b"",
    )


def _make_text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    head = struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28)
    return _pad(head + encoded)


def _make_xyz(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(value * 65536) for value in values))


def _make_curve(numbers: tuple[float, ...]) -> bytes:
    """Return a parametric curve: a power (type 0), or a power with a straight foot (type 3)."""
    kind = 0 if len(numbers) == 1 else 3
    fixed = (round(number * 65536) for number in numbers)
    return _pad(struct.pack(f">4sIHH{len(numbers)}i", b"para", 0, kind, 0, *fixed))


def _pad(body: bytes) -> bytes:
    return body + bytes(-len(body) % 4)
