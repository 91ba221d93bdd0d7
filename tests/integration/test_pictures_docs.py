"""The samples of docs/api/pictures.md are sent as they stand there."""

import json
import re
import tomllib
from pathlib import Path

import httpx
import pytest

from comfyhoused.api.job_requests import FinishOptions, GenerateRequest, JobOptions, UpscaleRequest
from comfyhoused.core.workflows.model_book import ModelBook
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.pictures import encode, make_image

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (Path(__file__).parents[2] / "docs" / "api" / "pictures.md").read_text()
SAMPLES = re.findall(r"\$COMFYHOUSE_URL(/api/v1/\w+) .*?-d '(\{.*?\})'\n```", PAGE, re.DOTALL)


async def upload(customer: httpx.AsyncClient, mode: str) -> str:
    content = encode(make_image(96, 64, mode=mode))
    headers = {"Content-Type": "image/png"}
    answer = await customer.post("/api/v1/files", content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["file_id"])


async def test_every_sample_makes_its_pictures(house: House) -> None:
    assert len(SAMPLES) == 6
    async with await house.make_client("test", account=make_id("acct", 8)) as customer:
        names = {"'$PHOTO'": await upload(customer, "RGB"), "'$MASK'": await upload(customer, "L")}
        for path, text in SAMPLES:
            for name, file_id in names.items():
                text = text.replace(name, file_id)
            answer = await customer.post(path, json=json.loads(text))
            assert answer.status_code == (202 if path.endswith("jobs") else 200), answer.text
            assert path.endswith("jobs") or answer.json()["images"]


async def test_every_parameter_is_on_the_page() -> None:
    # FinishOptions and the fields of a picture; what any job may carry is in the guide.
    fields = {*GenerateRequest.model_fields, *UpscaleRequest.model_fields}
    assert set(FinishOptions.model_fields) <= fields
    missing = [name for name in fields - set(JobOptions.model_fields) if f"`{name}`" not in PAGE]
    assert [name for name in missing if name != "kind"] == []


async def test_the_operators_sample_is_a_file_that_we_read(tmp_path: Path) -> None:
    text = PAGE.partition("```toml\n")[2].partition("```")[0]
    assert len(tomllib.loads(text)["rules"]) == 3
    file = tmp_path / "models.toml"
    file.write_text(text)
    book = ModelBook.load(file)
    assert book.get_facts("flux1-dev.safetensors").commercial is True
    assert book.get_facts("ourmix-2.safetensors").defaults.steps == 8
    assert book.get_facts("edges-v2.pth").controls == ("canny",)
