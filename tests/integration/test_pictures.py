"""Every way to make a picture, through the whole house, looked at pixel by pixel."""

import base64
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from comfyhoused.api.keys import create_key
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_generate
from tests.pictures import encode, make_image

pytestmark = pytest.mark.asyncio(loop_scope="session")

GENERATE = "/api/v1/generate"
UPSCALE = "/api/v1/upscale"
JOBS = "/api/v1/jobs"
DEPTH = {"controlnet_type": "depth", "control_image": "P"}
Pixels = NDArray[np.int16]


@pytest_asyncio.fixture(loop_scope="session")
async def customer(house: House) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an account that nobody else uses."""
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


def as_uri(image: Image.Image, kind: str = "PNG", **options: Any) -> str:
    content = base64.b64encode(encode(image, kind, **options)).decode()
    return f"data:image/{kind.lower()};base64,{content}"


def make_mask(width: int, height: int, *, soft: bool = False) -> Image.Image:
    """White (or fading) in the middle, black outside."""
    mask = Image.new("L", (width, height))
    box = (width // 4, height // 4, width * 3 // 4, height * 3 // 4)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    if soft:
        fade = np.linspace(0, 1, width)[None, :] * np.asarray(mask, dtype=np.float64)
        mask = Image.fromarray(fade.astype(np.uint8))
    return mask


async def post(customer: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await customer.post(path, json=body)
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def download(customer: httpx.AsyncClient, job: dict[str, Any]) -> list[Image.Image]:
    answers = [await customer.get(one["url"]) for one in job["images"]]
    return [Image.open(BytesIO(answer.content)) for answer in answers]


async def make(customer: httpx.AsyncClient, **fields: Any) -> list[Image.Image]:
    return await download(customer, await post(customer, GENERATE, make_generate(**fields)))


def read(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"), dtype=np.int16)


@pytest.mark.parametrize(
    ("width", "height", "soft"),
    [(64, 64, False), (64, 96, True), (101, 67, False), (333, 75, True), (70, 1203, False)],
)
async def test_outside_the_mask_not_one_pixel_changes(
    customer: httpx.AsyncClient, width: int, height: int, soft: bool
) -> None:
    original, mask = make_image(width, height, seed=width), make_mask(width, height, soft=soft)
    body = {"prompt": "a red boat", "steps": 1, "strength": 1.0, "seed": 3}
    job = await post(
        customer, GENERATE, {**body, "init_image": as_uri(original), "mask_image": as_uri(mask)}
    )
    [result] = await download(customer, job)
    assert result.size == (width, height)
    outside = np.asarray(mask) == 0
    before, after = read(original), read(result)
    assert np.array_equal(before[outside], after[outside])
    inside = np.asarray(mask) > 128
    assert np.abs(before - after)[inside].mean() > 20
    assert job["parameters"]["width"] % 8 == job["parameters"]["height"] % 8 == 0


async def test_each_picture_of_an_inpaint_keeps_the_original(customer: httpx.AsyncClient) -> None:
    original, mask = make_image(101, 67), make_mask(101, 67)
    results = await make(
        customer,
        init_image=as_uri(original),
        mask_image=as_uri(mask),
        num_images=3,
        width=128,
        height=72,
        strength=1,
    )
    assert len(results) == 3
    outside = np.asarray(mask) == 0
    assert all(np.array_equal(read(original)[outside], read(one)[outside]) for one in results)
    assert not np.array_equal(read(results[0]), read(results[1]))


async def test_a_mask_of_another_size_is_stretched_and_of_another_shape_refused(
    customer: httpx.AsyncClient,
) -> None:
    original = make_image(128, 64)
    half = Image.new("L", (64, 32))
    half.paste(255, (32, 0, 64, 32))
    [result] = await make(
        customer, init_image=as_uri(original), mask_image=as_uri(half), strength=1
    )
    changed = np.abs(read(original) - read(result)).sum(axis=2) > 0
    assert not changed[:, :62].any()
    assert changed[:, 66:].mean() > 0.9
    body = make_generate(init_image=as_uri(original), mask_image=as_uri(make_mask(64, 64)))
    answer = await customer.post(GENERATE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameters")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/mask_image"]


async def test_a_turned_photo_is_worked_on_as_it_is_shown(customer: httpx.AsyncClient) -> None:
    stored = make_image(96, 64)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter
    turned = as_uri(stored, "PNG", exif=exif)
    shown = stored.transpose(Image.Transpose.ROTATE_270)
    mask = make_mask(64, 96)
    [result] = await make(customer, init_image=turned, mask_image=as_uri(mask), strength=1)
    assert result.size == (64, 96)
    outside = np.asarray(mask) == 0
    assert np.array_equal(read(shown)[outside], read(result)[outside])
    job = await post(customer, UPSCALE, {"image": turned})
    assert [(one["width"], one["height"]) for one in job["images"]] == [(128, 192)]


@pytest.mark.parametrize(
    ("factor", "model"), [(2, None), (4, None), (4, "sandbox-2x"), (2, "sandbox-4x.pth")]
)
async def test_an_enlarged_picture_has_the_exact_size(
    customer: httpx.AsyncClient, factor: int, model: str | None
) -> None:
    small = make_image(61, 33).resize((61, 33))
    body: dict[str, Any] = {"image": as_uri(small), "factor": factor, "model": model}
    job = await post(customer, UPSCALE, body)
    [result] = await download(customer, job)
    assert result.size == (61 * factor, 33 * factor)
    assert (job["kind"], job["parameters"]["method"]) == ("upscale", "model")
    again = read(result.resize(small.size, Image.Resampling.BOX))
    assert np.abs(again - read(small)).mean() < 30


async def test_upscale_is_a_job_as_well(customer: httpx.AsyncClient) -> None:
    body = {"kind": "upscale", "image": as_uri(make_image(64, 64)), "factor": 2}
    answer = await customer.post(JOBS, json=body)
    assert (answer.status_code, answer.json()["kind"]) == (202, "upscale")
    fault = await customer.post(JOBS, json={"kind": "upscale", "factor": 3, "image": body["image"]})
    assert (fault.status_code, fault.json()["errors"][0]["pointer"]) == (422, "/factor")


async def list_choices(customer: httpx.AsyncClient, name: str, field: str) -> list[str]:
    answer = await customer.get(f"/api/v1/templates/{name}")
    assert answer.status_code == 200, answer.text
    choices: list[str] = answer.json()["inputs"]["properties"][field]["enum"]
    return choices


async def test_every_template_is_offered_with_every_family_of_the_sandbox(
    customer: httpx.AsyncClient,
) -> None:
    templates = (await customer.get("/api/v1/templates")).json()["templates"]
    assert [one["name"] for one in templates] == [
        "text-to-image",
        "image-to-image",
        "inpaint",
        "controlnet",
        "upscale",
    ]
    assert all(one["offered"] for one in templates)
    for template in templates[:4]:
        offered = {one["family"] for one in template["families"] if one["offered"]}
        assert offered == {"sd15", "sdxl", "flux"}
    assert templates[4]["upscalers"] == ["sandbox-2x.pth", "sandbox-4x.pth"]
    missing = await customer.get("/api/v1/templates/nonsense")
    assert (missing.status_code, missing.json()["code"]) == (404, "template_not_found")


async def test_each_choice_that_a_template_names_is_taken(customer: httpx.AsyncClient) -> None:
    models = await list_choices(customer, "text-to-image", "model")
    assert models == [
        "sandbox-painter.safetensors",
        "sandbox-xl-painter.safetensors",
        "sandbox-flux-painter.safetensors",
    ]
    pictures = [await make(customer, model=model, seed=1) for model in models]
    assert all(len(one) == 1 for one in pictures)
    first, second, third = (read(one[0]) for one in pictures)
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    sampler = (await list_choices(customer, "inpaint", "sampler_name"))[-1]
    assert len(await make(customer, sampler_name=sampler)) == 1


async def test_a_family_brings_its_own_defaults(customer: httpx.AsyncClient) -> None:
    job = await post(
        customer, GENERATE, {"prompt": "a boat", "model": "sandbox-flux-painter", "steps": 1}
    )
    shown = job["parameters"]
    assert (shown["width"], shown["height"], shown["cfg_scale"]) == (1024, 1024, 3.5)
    assert (shown["scheduler"], shown["steps"]) == ("simple", 1)


async def test_canny_shows_through_as_strongly_as_asked(customer: httpx.AsyncClient) -> None:
    edges = Image.new("RGB", (128, 128))
    ImageDraw.Draw(edges).rectangle((32, 32, 96, 96), outline=(255, 255, 255), width=3)
    body = {"width": 128, "height": 128, "seed": 5, "num_images": 2}
    control = {"controlnet_type": "canny", "control_image": as_uri(edges)}
    plain = read((await make(customer, **body))[0])
    ready = {**body, **control, "controlnet_preprocess": False}
    weak = read((await make(customer, **ready, controlnet_strength=0.3))[0])
    strong = read((await make(customer, **ready, controlnet_strength=1.0))[0])
    line = np.asarray(edges)[:, :, 0] > 0
    change_weak, change = np.abs(weak - plain).sum(axis=2), np.abs(strong - plain).sum(axis=2)
    assert change[line].mean() > 2 * change_weak[line].mean() > 0
    assert change[line].mean() > 5 * change[48:80, 48:80].mean()
    found = read((await make(customer, **body, **control))[0])
    assert not np.array_equal(found, strong)  # the edges of the lines, not the lines


@pytest.mark.parametrize(
    ("control", "model"),
    [
        ("depth", "sandbox-painter"),
        ("openpose", "sandbox-xl-painter"),
        ("scribble", "sandbox-painter"),
        ("canny", "sandbox-flux-painter"),
    ],
)
async def test_each_kind_of_control_follows_its_picture(
    customer: httpx.AsyncClient, control: str, model: str
) -> None:
    drawing = Image.new("RGB", (64, 64))
    ImageDraw.Draw(drawing).line((8, 8, 56, 56), fill=(255, 255, 255), width=5)
    body = {"model": model, "seed": 2}
    plain = read((await make(customer, **body))[0])
    picture = {"control_image": as_uri(drawing), "controlnet_type": control}
    controlled = read((await make(customer, **body, **picture))[0])
    assert not np.array_equal(plain, controlled)


async def test_inpaint_with_control_and_loras_still_keeps_the_rest(
    customer: httpx.AsyncClient,
) -> None:
    original, mask = make_image(72, 75), make_mask(72, 75)
    pictures = {"init_image": as_uri(original), "mask_image": as_uri(mask)}
    control = {"controlnet_type": "scribble", "control_image": as_uri(make_image(64, 64, seed=9))}
    lora = {"loras": [{"name": "blue-hour.safetensors", "strength": 1.0}]}
    body = {"seed": 4, "strength": 1.0}
    results = [
        read((await make(customer, **body, **pictures, **more))[0])
        for more in ({}, control, lora, {**control, **lora})
    ]
    outside = np.asarray(mask) == 0
    assert all(np.array_equal(read(original)[outside], one[outside]) for one in results)
    assert len({one.tobytes() for one in results}) == 4


@pytest.mark.parametrize(
    ("output_format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")]
)
async def test_pictures_come_in_the_format_that_was_asked_for(
    customer: httpx.AsyncClient, output_format: str, kind: str
) -> None:
    job = await post(
        customer, GENERATE, make_generate(output_format=output_format, quality=80, num_images=2)
    )
    assert {one["content_type"] for one in job["images"]} == {f"image/{output_format}"}
    assert [one.format for one in await download(customer, job)] == [kind, kind]


async def test_a_watermark_is_seen_only_where_it_was_asked_for(customer: httpx.AsyncClient) -> None:
    body = {"width": 256, "height": 256, "seed": 8}
    plain, marked, named = [
        read((await make(customer, **body, watermark=mark))[0])
        for mark in (False, True, "our studio")
    ]
    assert not np.array_equal(plain, marked)
    assert not np.array_equal(marked, named)
    assert (np.abs(plain - marked).sum(axis=2) > 0).mean() < 0.2


@pytest.mark.parametrize(
    ("pointer", "fields"),
    [
        ("/init_image", {"mask_image": "P"}),
        ("/controlnet_type", {"control_image": "P"}),
        ("/control_image", {"controlnet_type": "canny"}),
        ("/controlnet_type", {"controlnet_type": "nonsense", "control_image": "P"}),
        ("/controlnet_preprocess", {**DEPTH, "controlnet_preprocess": True}),
        ("/controlnet_strength", {**DEPTH, "controlnet_strength": 3}),
        ("/model", {"model": "nonsense"}),
        ("/negative_prompt", {"model": "sandbox-flux-painter", "negative_prompt": "rain"}),
        ("/output_format", {"output_format": "gif"}),
        ("/quality", {"quality": 0}),
        ("/watermark", {"watermark": ""}),
    ],
)
async def test_what_makes_no_sense_is_refused_by_name(
    customer: httpx.AsyncClient, pointer: str, fields: dict[str, Any]
) -> None:
    picture = as_uri(make_image(64, 64))
    body = {name: picture if value == "P" else value for name, value in fields.items()}
    answer = await customer.post(GENERATE, json=make_generate(**body))
    assert answer.status_code == 422, answer.text
    assert {one["pointer"].split("/bool")[0] for one in answer.json()["errors"]} >= {pointer}
    assert (await customer.get("/api/v1/files")).json()["files"] == []


async def test_models_are_listed_with_what_is_known_of_them(customer: httpx.AsyncClient) -> None:
    answer = (await customer.get("/api/v1/models")).json()
    assert answer["checkpoints"] == [
        "sandbox-painter.safetensors",
        "sandbox-xl-painter.safetensors",
    ]
    facts = {(one["kind"], one["name"]): one for one in answer["models"]}
    painter = facts["checkpoint", "sandbox-xl-painter.safetensors"]
    assert (painter["family"], painter["commercial"], painter["offered"]) == ("sdxl", True, True)
    assert facts["diffusion_model", "sandbox-flux-painter.safetensors"]["offered"]


async def test_a_plan_decides_on_control_and_mark(
    house: House, customer: httpx.AsyncClient
) -> None:
    _, secret = await create_key(house.store, account=make_id("acct", 8), mode="live", plan="free")
    headers = {"Authorization": f"Bearer {secret}"}
    body: dict[str, Any] = make_generate(width=256, height=256, seed=8)
    async with httpx.AsyncClient(base_url=house.url, headers=headers, timeout=60) as free:
        control = {"controlnet_type": "canny", "control_image": as_uri(make_image(64, 64))}
        refused = await free.post(GENERATE, json={**body, **control})
        assert (refused.status_code, refused.json()["code"]) == (403, "plan_lacks_feature")
        [marked] = await download(free, await post(free, GENERATE, body))
    [plain] = await download(customer, await post(customer, GENERATE, body))
    assert not np.array_equal(read(plain), read(marked))
