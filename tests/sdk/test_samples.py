"""What the documents tell a reader to paste works on a running house."""

import asyncio
import itertools
import os
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key
from tests.house import House
from tests.sdk.samples import (
    Sample,
    find_samples,
    list_samples,
    list_unfenced,
    write_program,
)
from tools import javascript

_SAMPLES = list_samples()
_RUN = [sample for sample in _SAMPLES if sample.why_not is None]
_GROUPS = [
    pytest.param(list(group), id="-".join(key))
    for key, group in itertools.groupby(
        sorted(_RUN, key=lambda one: (one.page, one.language)),
        key=lambda one: (one.page, one.language),
    )
]
#: Stands in the documents for what every reader has another of.
_ADDRESS = "http://127.0.0.1:8000"
_PLACEHOLDERS = ("sk_test_…", "sk_live_…")


async def run(house: House, samples: list[Sample], folder: Path) -> tuple[int, str]:
    """Run samples of one page and language; returns the exit code and all that was said."""
    _, secret = await create_key(
        house.store, account=samples[0].page, mode="test", plan="business", scopes=SCOPES
    )
    _lay_out(folder, secret)
    filled = [_fill_in(sample, house.url, secret) for sample in samples]
    process = await asyncio.create_subprocess_exec(
        *write_program(filled, folder),
        cwd=folder,
        env={
            "PATH": os.pathsep.join(
                (str(Path(sys.executable).parent), str(javascript.find_bin()), "/usr/bin", "/bin")
            ),
            "HOME": str(folder),
            "COMFYHOUSE_URL": house.url,
            "COMFYHOUSE_API_KEY": secret,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def _lay_out(folder: Path, secret: str) -> None:
    """Put there what the samples take for granted: photos, a mask, the SDK, the demo key."""
    Image.new("RGB", (128, 96), "navy").save(folder / "photo.jpg")
    Image.new("RGB", (128, 96), "navy").save(folder / "photo.png")
    mask = Image.new("L", (128, 96))
    mask.paste(255, (64, 0, 128, 96))
    mask.save(folder / "mask.png")
    scope = folder / "node_modules" / "@comfyhouse"
    scope.mkdir(parents=True)
    (scope / "client").symlink_to(javascript.SDK)
    (folder / "var").mkdir()
    (folder / "var" / "demo-key").write_text(secret + "\n")


def _fill_in(sample: Sample, url: str, secret: str) -> Sample:
    code = sample.code.replace(_ADDRESS, url)
    for placeholder in _PLACEHOLDERS:
        code = code.replace(placeholder, secret)
    return Sample(sample.page, sample.line, sample.language, code, None)


def test_every_sample_is_run_or_says_why_not() -> None:
    assert {sample.language for sample in _RUN} == {"bash", "python", "js"}
    assert [
        one.where for one in _SAMPLES if one.why_not is not None and len(one.why_not) < 10
    ] == []


def test_no_sample_hides_from_the_tests() -> None:
    assert list_unfenced() == []


@pytest.fixture(scope="session")
def built() -> None:
    javascript.build()


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("samples", _GROUPS)
async def test_the_samples_work(house: House, samples: list[Sample], tmp_path: Path) -> None:
    if samples[0].language == "bash" and shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    code, said = await run(house, samples, tmp_path)

    assert code == 0, f"{samples[0].page}\n{said}"


_IN_TWO_BLOCKS = (
    '```js\nimport { Client } from "@comfyhouse/client";\n```\n'
    '```js\nawait new Client().jobs.get("nothing");\n```\n'
)


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "page",
    [
        '```bash\ncurl -sS "$COMFYHOUSE_URL/api/v1/nothing"\n```\n',
        "```python\nfrom comfyhouse import Client\nClient().jobs.get('nothing')\n```\n",
        _IN_TWO_BLOCKS,
    ],
)
async def test_a_sample_that_does_not_work_is_found(
    house: House, tmp_path: Path, page: str
) -> None:
    code, said = await run(house, list(find_samples(page, "a page")), tmp_path)

    assert code != 0
    assert "not_found" in said or "route_unknown" in said, said
