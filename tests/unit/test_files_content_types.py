"""What we hand out can run nothing."""

import pytest

from comfyhoused.core.files.content_types import EXTENSIONS, is_shown_inline, make_safe_type


@pytest.mark.parametrize(
    "active",
    [
        *("text/html", "TEXT/HTML; charset=utf-8", "image/svg+xml", "application/xhtml+xml"),
        *("text/xml", "application/javascript", "text/css", "", "nonsense", "application/pdf"),
    ],
)
def test_active_content_becomes_opaque(active: str) -> None:
    assert make_safe_type(active) == "application/octet-stream"


@pytest.mark.parametrize("harmless", EXTENSIONS)
def test_harmless_types_stay(harmless: str) -> None:
    assert make_safe_type(f"{harmless.upper()} ; charset=utf-8") == harmless


def test_text_is_downloaded_and_pictures_are_shown() -> None:
    assert is_shown_inline("image/png")
    assert not is_shown_inline("text/plain")
    assert not is_shown_inline("application/octet-stream")


@pytest.mark.parametrize(
    ("declared", "filename", "expected"),
    [
        ("audio/x-flac", "a.flac", "audio/flac"),
        ("audio/x-wav", "a.wav", "audio/wav"),
        ("application/octet-stream", "a.GLB", "model/gltf-binary"),
        ("", "a.opus", "audio/opus"),
        ("application/octet-stream", "a.html", "application/octet-stream"),
        ("text/html", "a.png", "application/octet-stream"),
        ("application/octet-stream", "", "application/octet-stream"),
    ],
)
def test_other_names_and_endings(declared: str, filename: str, expected: str) -> None:
    assert make_safe_type(declared, filename) == expected
