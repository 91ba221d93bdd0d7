"""What a licence forbids is not sold, and what the operator says about it counts."""

from pathlib import Path

import httpx

from tests.conftest import MakeHouse
from tests.job_cases import make_generate
from tests.pictures import encode, make_image

RULES = """
[[rules]]
files = ["sandbox-xl-painter*", "blue-hour*", "sandbox-2x*"]
licence = "For love, not for money"
commercial = false
"""
XL = "sandbox-xl-painter.safetensors"


async def upload(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/v1/files", content=encode(make_image()))
    return str(answer.json()["file_id"])


async def expect_refusal(client: httpx.AsyncClient, path: str, body: object, pointer: str) -> None:
    answer = await client.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (403, "model_not_licensed"), answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert "For love, not for money" in answer.json()["detail"]


async def test_what_may_not_be_sold_is_for_test_keys_alone(
    make_house: MakeHouse, tmp_path: Path
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(RULES)
    house = await make_house(environment={"CH_MODELS_FILE": str(file)})
    live = house.client
    await expect_refusal(live, "generate", make_generate(model=XL), "/model")
    await expect_refusal(live, "jobs", make_generate(model=XL.partition(".")[0]), "/model")
    lora = {"name": "blue-hour.safetensors"}
    await expect_refusal(live, "generate", make_generate(loras=[lora]), "/loras/0/name")
    image = await upload(live)
    await expect_refusal(live, "upscale", {"image": image, "model": "sandbox-2x"}, "/model")
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": XL}},
        "2": {"class_type": "LoadImage", "inputs": {"image": {"file_id": image}}},
        "3": {"class_type": "VAEEncode", "inputs": {"pixels": ["2", 0], "vae": ["1", 2]}},
        "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["1", 2]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0], "filename_prefix": "x"}},
    }
    await expect_refusal(live, "jobs", {"workflow": graph}, "/workflow/1/inputs/ckpt_name")
    listed = (await live.get("/api/v1/models")).json()
    assert XL not in listed["checkpoints"]
    [facts] = [one for one in listed["models"] if one["name"] == XL]
    assert (facts["commercial"], facts["offered"]) == (False, False)
    enlarged = await live.post("/api/v1/upscale", json={"image": image})
    assert enlarged.json()["parameters"]["model"] == "sandbox-4x.pth"  # the one that may be sold
    async with await house.make_client("test") as free:
        answer = await free.post("/api/v1/generate", json=make_generate(model=XL, loras=[lora]))
        assert answer.status_code == 200, answer.text
        listed = (await free.get("/api/v1/models")).json()
        assert XL in listed["checkpoints"]
