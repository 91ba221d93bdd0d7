"""The functions that docs/api/webhooks.md tells a reader to paste accept and refuse rightly."""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from comfyhoused.core.webhooks.delivering import write_body
from comfyhoused.core.webhooks.schedule import SCHEDULE
from comfyhoused.core.webhooks.signing import list_secrets, make_headers, make_salt
from comfyhoused.kit.clock import get_now, get_now_ms
from tools import javascript

PAGE = (Path(__file__).parents[2] / "docs/api/webhooks.md").read_text()
HOUSE = b"a secret of the house, long enough for anybody"

Read = Callable[[bytes, dict[str, str], str], Any]

_HARNESS = """
const [body, headers, secret] = JSON.parse(process.argv[2]);
try {
  console.log(JSON.stringify(readWebhook(Buffer.from(body, "latin1"), headers, secret)));
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }));
}
"""


def find_sample(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def make_python_reader() -> Read:
    names: dict[str, Any] = {}
    exec(find_sample("python"), names)
    reader: Read = names["read_webhook"]
    return reader


def make_javascript_reader(folder: Path) -> Read:
    program = folder / "read.mjs"
    program.write_text(find_sample("js") + _HARNESS)
    node = str(javascript.find_bin() / "node")

    def read(body: bytes, headers: dict[str, str], secret: str) -> Any:
        arguments = json.dumps([body.decode("latin1"), headers, secret])
        done = subprocess.run(
            [node, str(program), arguments], capture_output=True, text=True, check=True
        )
        answer = json.loads(done.stdout)
        if "refused" in answer:
            raise ValueError(answer["refused"])
        return answer

    return read


@pytest.fixture(params=["python", "javascript"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    if request.param == "python":
        return make_python_reader()
    return make_javascript_reader(tmp_path)


def test_ours_is_accepted_and_all_else_refused(read: Read) -> None:
    record = {"salt": make_salt(), "old_salt": make_salt(), "old_until": str(get_now_ms() + 60_000)}
    live = list_secrets(HOUSE, "whe_1", record)
    now = get_now()
    body = write_body("job.succeeded", now, {"prompt": "Brücke “größer”"})
    headers = make_headers(live, "msg_1", now, body)
    for one in live:
        event = read(body.encode(), headers, one.secret)
        assert (event["type"], event["data"]) == ("job.succeeded", {"prompt": "Brücke “größer”"})
    stranger = list_secrets(HOUSE, "whe_2", record)[0].secret
    old = make_headers(live, "msg_1", now - timedelta(minutes=6), body)
    refused: list[tuple[bytes, dict[str, str], str]] = [
        (body.encode() + b" ", headers, live[0].secret),
        (body.encode(), headers, stranger),
        (body.encode(), {**headers, "webhook-id": "msg_2"}, live[0].secret),
        (body.encode(), {**headers, "webhook-signature": "v1,"}, live[0].secret),
        (body.encode(), old, live[0].secret),
    ]
    for arguments in refused:
        with pytest.raises(ValueError, match=r"too old|not signed"):
            read(*arguments)


def test_the_page_has_the_schedule() -> None:
    row = re.search(r"\| after \| at once \|(.*)\|\n", PAGE)
    assert row is not None
    seconds = {"s": 1, "min": 60, "h": 3600}
    waits = [one.split() for one in row[1].split("|")]
    assert tuple(int(count) * seconds[unit] for count, unit in waits) == SCHEDULE
