"""The command `comfyhouse`, as a process, against a running house."""

import asyncio
import json
import stat
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
_COMMAND = Path(sys.executable).with_name("comfyhouse")


async def run(
    house: House, folder: Path, *words: str, key: str | None = None
) -> tuple[int, str, str]:
    """Run the command in a folder; returns exit code, output and what it told the person."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "COMFYHOUSE_CONFIG": str(folder / "login.json"),
        "COMFYHOUSE_URL": house.url,
        "COMFYHOUSE_API_KEY": await house.make_key("test") if key is None else key,
    }
    process = await asyncio.create_subprocess_exec(
        str(_COMMAND),
        *words,
        cwd=folder,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_a_picture_is_saved(house: House, tmp_path: Path) -> None:
    words = ("generate", "a red boat", "--width", "64", "--height", "64", "--steps", "1")
    code, out, err = await run(house, tmp_path, *words, "-o", "boat.png")

    assert (code, out.strip()) == (0, "boat.png"), err
    assert Image.open(tmp_path / "boat.png").size == (64, 64)
    assert "sandbox" in err


async def test_json_is_for_programs(house: House, tmp_path: Path) -> None:
    words = ("generate", "two boats", "-n", "2", "-s", "width=64", "-s", "height=64", "--json")
    code, out, err = await run(house, tmp_path, *words)

    assert code == 0, err
    job = json.loads(out)
    assert len(job["saved"]) == 2
    assert all((tmp_path / name).is_file() for name in job["saved"])


async def test_login_keeps_the_key_for_this_user_alone(house: House, tmp_path: Path) -> None:
    secret = await house.make_key("test")
    code, _, err = await run(house, tmp_path, "login", "--url", house.url, "--key", secret)

    assert (code, secret in err) == (0, False)
    assert stat.S_IMODE((tmp_path / "login.json").stat().st_mode) == 0o600
    assert (await run(house, tmp_path, "jobs", "list", key=""))[0] == 0


async def test_what_is_wrong_is_said_in_words(house: House, tmp_path: Path) -> None:
    code, out, err = await run(house, tmp_path, "generate", "a boat", "--width", "7")

    assert (code, out) == (1, "")
    assert "/width" in err
    assert "Traceback" not in err


async def test_a_stranger_is_told_to_log_in(house: House, tmp_path: Path) -> None:
    code, _, err = await run(house, tmp_path, "jobs", "list", key="")

    assert (code, "comfyhouse login" in err) == (1, True)


async def test_usage_is_shown(house: House, tmp_path: Path) -> None:
    code, out, err = await run(house, tmp_path, "usage", "--json")

    assert code == 0, err
    assert json.loads(out)["used"] == 0


async def test_a_picture_is_enlarged(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), "navy").save(tmp_path / "small.png")
    code, out, err = await run(house, tmp_path, "upscale", "small.png", "-f", "2", "-o", "big.png")

    assert (code, out.strip()) == (0, "big.png"), err
    assert Image.open(tmp_path / "big.png").size == (128, 96)


async def test_only_the_white_of_a_mask_is_painted_over(house: House, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "small.png")
    mask = Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    mask.save(tmp_path / "mask.png")
    words = ("edit", "small.png", "a red boat", "--mask", "mask.png", "-s", "width=64")
    code, _, err = await run(house, tmp_path, *words, "-s", "height=64", "-o", "out.png")

    assert code == 0, err
    kept = Image.open(tmp_path / "out.png").convert("RGB").crop((0, 0, 32, 64))
    assert kept.getcolors() == [(32 * 64, (0, 0, 128))]


async def test_a_file_of_prompts_becomes_a_folder_of_pictures(house: House, tmp_path: Path) -> None:
    lines = ["a red boat", "", json.dumps({"prompt": "a blue boat", "seed": 3}), "sandbox:fail"]
    (tmp_path / "prompts.txt").write_text("\n".join(lines))
    settings = ("-s", "width=64", "-s", "height=64", "-s", "steps=1")
    code, _, err = await run(house, tmp_path, "batch", "prompts.txt", *settings, "-o", "made")

    assert (code, "2 of 3 succeeded" in err) == (1, True), err
    assert len(list((tmp_path / "made").glob("*.png"))) == 2
