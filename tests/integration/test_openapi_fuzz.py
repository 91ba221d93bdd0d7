"""Schemathesis asks a real API process for everything its document allows, and for what it forbids.

No answer may be a server error, and none may have a status, a type, a header or a shape that the
document does not name. No worker runs: what becomes a job waits, and costs this machine nothing.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key
from tests.house import House
from tests.integration.belongings import make_belongings
from tools.reference import write_openapi

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: These answer when a job has ended, or not before something happens.
WAITING = {"generate", "upscale", "run_workflow"}
#: Their bodies have much in common: every boundary of each would take minutes.
ALIKE = ["generate", "upscale", "submit_job", "estimate", "submit_batch"]
#: What ends the things that others ask for, or streams until they end, is given nobody's ids.
FOR_NOBODY = ("delete", "erase", "revoke", "cancel", "rotate", "follow_batch")
FEW, MANY = 3, 200

_GENERATION = GenerationConfig(
    deterministic=True, max_examples=FEW, no_shrink=True, database="none"
)
DOCUMENT = schemathesis.openapi.from_dict(
    json.loads(write_openapi()),
    config=SchemathesisConfig(
        seed=7, projects=ProjectsConfig(default=ProjectConfig(generation=_GENERATION))
    ),
)
BOUNDED = DOCUMENT.exclude(operation_id=ALIKE)


def choose_settings(most: int) -> settings:
    """Return how hypothesis tries: always the same examples, however slow the machine."""
    return settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@dataclass(frozen=True)
class Target:
    """Where to ask, with which key, and what it has."""

    url: str
    secret: str
    ids: dict[str, str]
    turns: "count[int]"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    async with House(tmp_path_factory.mktemp("house that is fuzzed")) as house:
        _, secret = await create_key(
            house.store, account="fuzz", mode="live", plan="business", scopes=SCOPES
        )
        ids = await make_belongings(house.url, secret)
        for worker in house.workers:
            worker.kill()
        yield Target(house.url, secret, ids, count())


def check(case: schemathesis.Case, target: Target) -> None:
    """Send a case and look at the answer. Every other one asks for something that is there."""
    operation = str(case.operation.definition.raw["operationId"])
    case.headers["Authorization"] = f"Bearer {target.secret}"
    if operation in WAITING:
        case.headers["Prefer"] = "respond-async"
    if next(target.turns) % 2 and not operation.startswith(FOR_NOBODY):
        for name in set(case.path_parameters or {}) & set(target.ids):
            case.path_parameters[name] = target.ids[name]
    response = case.call(base_url=target.url, timeout=60)
    case.validate_response(response, checks=CHECKS)


@BOUNDED.parametrize()
@choose_settings(FEW)
def test_every_answer_is_documented(case: schemathesis.Case, target: Target) -> None:
    check(case, target)


def test_every_answer_is_documented_where_bodies_are_alike(target: Target) -> None:
    assert try_operations(target, set(ALIKE), 25) == len(ALIKE)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_answer_is_documented_after_many_tries(target: Target) -> None:
    assert try_operations(target, None, MANY) > 50


def try_operations(target: Target, names: set[str] | None, most: int) -> int:
    """Try the operations with these names (None: all) so many times; returns how many there are."""
    tried = 0
    for found in DOCUMENT.get_all_operations():
        operation = found.ok()
        if names is None or operation.definition.raw["operationId"] in names:
            attempt = given(case=operation.as_strategy())(lambda case: check(case, target))
            choose_settings(most)(attempt)()
            tried += 1
    return tried
