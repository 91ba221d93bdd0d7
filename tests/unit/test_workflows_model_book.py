"""Families and licences of model files, and the operator's own word on them."""

from pathlib import Path

import pytest

from comfyhoused.core.workflows.catalogue import merge_catalogues
from comfyhoused.core.workflows.licences import (
    ModelNotLicensed,
    check_licences,
    check_named_licences,
    keep_sellable,
)
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.core.workflows.painters import list_painters
from comfyhoused.core.workflows.templates import TEMPLATES, list_family_offers
from comfyhoused.core.workflows.upscale import list_upscalers
from comfyhoused.core.workflows.working_size import choose_size
from comfyhoused.resources import UnfitHouse
from tests.picture_catalogues import FLUX, FLUX_DEV, SD15, SDXL, make_catalogue

BOOK = ModelBook.load()
CATALOGUE = make_catalogue()


@pytest.mark.parametrize(
    ("name", "family", "commercial"),
    [
        ("v1-5-pruned-emaonly.safetensors", "sd15", True),
        ("SD15/dreamshaper_8.safetensors", "sd15", None),
        ("dreamshaper_8.safetensors", "other", None),
        ("sd_xl_base_1.0.safetensors", "sdxl", True),
        ("SDXL\\juggernaut.safetensors", "sdxl", None),
        ("sd_xl_turbo_1.0_fp16.safetensors", "sdxl", False),
        ("flux1-schnell-fp8.safetensors", "flux", True),
        ("FLUX1-dev.safetensors", "flux", False),
        ("flux1-kontext-dev.safetensors", "flux-kontext", False),
        ("sd3.5_large.safetensors", "sd3", None),
        ("t5xxl_fp16.safetensors", "encoder", True),
        ("4x-UltraSharp.pth", "other", False),
        ("RealESRGAN_x4plus.pth", "other", True),
        ("control_v11p_sd15_canny.pth", "sd15", True),
        ("sandbox-painter.safetensors", "sd15", True),
    ],
)
def test_a_name_tells_family_and_licence(name: str, family: str, commercial: bool | None) -> None:
    facts = BOOK.get_facts(name)
    assert (facts.name, facts.family, facts.commercial) == (name, family, commercial)
    assert bool(facts.licence) or facts.commercial is not True


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        ("4x-UltraSharp.pth", 4),
        ("RealESRGAN_x2plus.pth", 2),
        ("8x_NMKD.pth", 8),
        ("plain.pth", None),
        ("model_512x512.pth", None),
    ],
)
def test_a_name_tells_the_factor(name: str, scale: int | None) -> None:
    assert BOOK.get_facts(name).scale == scale


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "models.toml"
    file.write_text(text)
    return file


def test_the_operators_word_comes_first_and_only_where_it_says_something(tmp_path: Path) -> None:
    text = """
    [families.house]
    title = "Our own"
    defaults = { width = 768, height = 768 }
    [[rules]]
    files = ["flux1-dev*"]
    commercial = true
    note = "Our licence of 2026."
    [[rules]]
    files = ["ours-*"]
    family = "house"
    """
    book = ModelBook.load(write(tmp_path, text))
    dev = book.get_facts("flux1-dev-fp8.safetensors")
    assert (dev.family, dev.commercial, dev.note) == ("flux", True, "Our licence of 2026.")
    assert dev.licence == BOOK.get_facts("flux1-dev.safetensors").licence
    house = book.find_family("ours-3.safetensors")
    assert house is not None
    assert (house.name, house.title, house.defaults.width) == ("house", "Our own", 768)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rules = 1", "rules"),
        ('[[rules]]\nfiles = ["a"]\nsellable = true', "sellable"),
        ("[[rules]]\ncommercial = true", "files"),
        ("[", "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(UnfitHouse, match=fault):
        ModelBook.load(write(tmp_path, text))
    with pytest.raises(UnfitHouse, match="cannot be read"):
        ModelBook.load(tmp_path / "missing.toml")


def test_live_keys_choose_among_what_may_be_sold() -> None:
    usable = keep_sellable(CATALOGUE, BOOK)
    assert list(list_painters([CATALOGUE], BOOK)) == [SD15, SDXL, FLUX_DEV, FLUX]
    assert list(list_painters([usable], BOOK)) == [SD15, SDXL, FLUX]
    assert list_upscalers([usable], BOOK) == ["RealESRGAN_x2plus.pth"]


def test_a_model_that_may_not_be_sold_is_refused_with_those_that_may() -> None:
    merged = merge_catalogues([CATALOGUE])
    check_named_licences({"/model": SD15, "/loras/0/name": "nonsense"}, merged, BOOK)
    with pytest.raises(ModelNotLicensed, match="Non-Commercial") as caught:
        check_named_licences({"/model": "flux1-dev-fp8"}, merged, BOOK)
    assert (caught.value.status, caught.value.code) == (403, "model_not_licensed")
    [error] = caught.value.errors
    assert error["pointer"] == "/model"
    assert FLUX_DEV not in error["allowed"]
    assert SDXL in error["allowed"]


def test_a_workflow_cannot_smuggle_one_in() -> None:
    loader = {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "4x-UltraSharp.pth"}}
    with pytest.raises(ModelNotLicensed) as caught:
        check_licences({"1": loader}, BOOK)  # type: ignore[dict-item]
    assert caught.value.errors[0]["pointer"] == "/workflow/1/inputs/model_name"


@pytest.mark.parametrize("name", ["text-to-image", "image-to-image", "inpaint", "controlnet"])
def test_each_template_says_with_which_families_it_is_offered(name: str) -> None:
    offers = {
        one.family.name: one for one in list_family_offers(TEMPLATES[name], [CATALOGUE], BOOK)
    }
    assert {family for family, one in offers.items() if not one.reason} == {"sd15", "sdxl", "flux"}
    assert offers["other"].reason == "no server has a model of this family"
    assert offers["flux"].models == (FLUX_DEV, FLUX)


def test_a_template_that_lacks_something_says_what() -> None:
    bare = make_catalogue(controlnet=())
    offers = list_family_offers(TEMPLATES["controlnet"], [bare], BOOK)
    assert offers[0].reason == "no server has a ControlNet for this family"


@pytest.mark.parametrize(
    ("width", "height", "shape", "size"),
    [
        (None, None, None, (512, 512)),
        (640, None, None, (640, 512)),
        (None, None, (640, 480), (640, 480)),
        (None, None, (641, 479), (640, 480)),
        (None, None, (4000, 3000), (1176, 888)),
        (None, None, (10, 10), (64, 64)),
        (None, None, (40_000, 30), (2048, 64)),
        (None, None, (1024, 1024), (1024, 1024)),
        (512, None, (1000, 500), (512, 256)),
        (None, 512, (1000, 500), (1024, 512)),
        (512, 512, (1000, 500), (512, 512)),
    ],
)
def test_what_is_not_said_follows_the_picture(
    width: int | None,
    height: int | None,
    shape: tuple[int, int] | None,
    size: tuple[int, int],
) -> None:
    assert choose_size(width, height, shape, (512, 512)) == size


@pytest.mark.parametrize("width", [300, 777, 1366, 1920, 2731, 5000])
@pytest.mark.parametrize("height", [310, 768, 1080, 3001])
def test_the_size_of_a_picture_costs_one_unit_and_keeps_its_shape(width: int, height: int) -> None:
    found = choose_size(None, None, (width, height), (512, 512))
    assert found[0] * found[1] <= 1024 * 1024
    assert found[0] % 8 == found[1] % 8 == 0
    assert found[0] / found[1] == pytest.approx(width / height, rel=0.12)
