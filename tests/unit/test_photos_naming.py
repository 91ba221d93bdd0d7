"""Names of results: what the owner asked for, and what every disk takes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comfyhoused.core.photos.errors import NameTemplateWrong
from comfyhoused.core.photos.naming import DEFAULT_TEMPLATE, check_template, make_name
from comfyhoused.core.photos.shapes import PhotoKind

AT = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)


def name(original: str, template: str = DEFAULT_TEMPLATE, kind: PhotoKind = "jpeg") -> str:
    return make_name(
        template, original, kind=kind, preset="portrait-pro", version="1.2", strength=60, at=AT
    )


@pytest.mark.parametrize(
    ("original", "expected"),
    [
        ("IMG_1234.JPG", "IMG_1234_portrait-pro.JPG"),
        ("a.b.jpeg", "a.b_portrait-pro.jpeg"),
        ("photo.heic", "photo_portrait-pro.jpg"),
        ("photo", "photo_portrait-pro.jpg"),
        (".jpg", ".jpg_portrait-pro.jpg".strip(".")),
        ("../../etc/passwd.jpg", "-..-etc-passwd_portrait-pro.jpg"),
        ("a/b\\c:d*e?f.jpg", "a-b-c-d-e-f_portrait-pro.jpg"),
        ("名前.jpg", "名前_portrait-pro.jpg"),
        ("evil\u202egpj.jpg", "evil-gpj_portrait-pro.jpg"),
        ("{name}.jpg", "{name}_portrait-pro.jpg"),
    ],
)
def test_names(original: str, expected: str) -> None:
    assert name(original) == expected


def test_all_fields() -> None:
    template = "{date} {name} {preset} v{version} {strength} %"
    assert name("a.png", template, "png") == "2026-11-22 a portrait-pro v1.2 60 %.png"


@pytest.mark.parametrize(
    "template",
    ["{preset}", "{name}{oops}", "{name", "{name!r}", "{name:>99999999}", "{name.x}", "{0}",
     "{name[0]}", "x" * 121 + "{name}"],
)  # fmt: skip
def test_templates_that_cannot_be_used(template: str) -> None:
    with pytest.raises(NameTemplateWrong):
        check_template(template)


def test_a_reserved_name_of_windows_gets_a_letter() -> None:
    assert name("CON.jpg", "{name}") == "_CON.jpg"


@given(st.text(max_size=400))
def test_any_name_becomes_one_that_a_disk_takes(original: str) -> None:
    made = name(original)
    assert len(made.encode("utf-8", "replace")) <= 200
    assert not set(made) & set('/\\:*?"<>|\x00\n')
    assert made not in (".", "..")
    assert not made.startswith((".", " "))
    assert made.endswith(".jpg") or made.lower().endswith((".jpeg", ".jpe", ".jpg"))
