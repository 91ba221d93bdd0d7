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

from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_generate
from tests.pictures import encode, make_image

pytestmark = pytest.mark.asyncio(loop_scope="session")

GENERATE = "/api/v1/generate"
UPSCALE = "/api/v1/upscale"
JOBS = "/api/v1/jobs"
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
