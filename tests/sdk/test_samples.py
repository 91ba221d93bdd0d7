"""What the documents tell a reader to paste works on a running house."""

import itertools
import shutil
from pathlib import Path

import pytest

from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key
from tests.house import House
from tests.sdk.sample_runs import run_samples
from tests.sdk.samples import QUICKSTART, Sample, find_samples, list_samples, list_unfenced

_SAMPLES = list_samples()
_RUN = [sample for sample in _SAMPLES if sample.why_not is None]
_GROUPS = [
    pytest.param(list(group), id="-".join(key))
    for key, group in itertools.groupby(
        sorted(
            (one for one in _RUN if one.page != QUICKSTART),
            key=lambda one: (one.page, one.language),
        ),
        key=lambda one: (one.page, one.language),
    )
]


async def make_key(house: House, account: str) -> str:
    """Return a test key that may do everything, of an account for this page alone."""
    _, secret = await create_key(
        house.store, account=account, mode="test", plan="business", scopes=SCOPES
    )
    return secret


def test_every_sample_is_run_or_says_why_not() -> None:
    assert {sample.language for sample in _RUN} == {"bash", "python", "js"}
    assert [
        one.where for one in _SAMPLES if one.why_not is not None and len(one.why_not) < 10
    ] == []


def test_no_sample_hides_from_the_tests() -> None:
    assert list_unfenced() == []


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("samples", _GROUPS)
async def test_the_samples_work(house: House, samples: list[Sample], tmp_path: Path) -> None:
    if samples[0].language == "bash" and shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    secret = await make_key(house, samples[0].page)
    code, said = await run_samples(samples, url=house.url, secret=secret, folder=tmp_path)

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
    samples, secret = list(find_samples(page, "a page")), await make_key(house, "a page")
    code, said = await run_samples(samples, url=house.url, secret=secret, folder=tmp_path)

    assert code != 0
    assert "not_found" in said or "route_unknown" in said, said
