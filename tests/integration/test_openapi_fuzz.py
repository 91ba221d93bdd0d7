"""Schemathesis asks a real API process for everything its document allows, and for what it forbids.

No answer may be a server error, and none may have a status, a type, a header or a shape that the
document does not name. No worker runs: what becomes a job waits, and costs this machine nothing.
"""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
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
#: Their bodies are those of `generate` and `run_workflow`, whose every boundary is tried already.
ALIKE = ["submit_job", "estimate", "create_batch"]
#: What ends the things that others ask for, or streams until they end, is given nobody's ids.
FOR_NOBODY = ("delete", "erase", "revoke", "cancel", "rotate", "follow_batch")
FEW, MANY = 3, 100


def load(most: int, *, with_boundaries: bool) -> schemathesis.BaseSchema:
    """Return the document, with so many examples an operation and always the same ones."""
    generation = GenerationConfig(
        deterministic=True, max_examples=most, no_shrink=True, database="none"
    )
    phases = PhasesConfig(coverage=CoveragePhaseConfig(enabled=with_boundaries))
    project = ProjectConfig(generation=generation, phases=phases)
    config = SchemathesisConfig(seed=7, projects=ProjectsConfig(default=project))
    return schemathesis.openapi.from_dict(json.loads(write_openapi()), config=config)


def choose_settings(most: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


thorough = load(FEW, with_boundaries=True).exclude(operation_id=ALIKE)
brief = load(FEW, with_boundaries=False).include(operation_id=ALIKE)
soaking = load(MANY, with_boundaries=True)


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


@thorough.parametrize()
@choose_settings(FEW)
def test_every_answer_is_documented(case: schemathesis.Case, target: Target) -> None:
    check(case, target)


@brief.parametrize()
@choose_settings(FEW)
def test_every_answer_is_documented_where_bodies_are_alike(
    case: schemathesis.Case, target: Target
) -> None:
    check(case, target)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@soaking.parametrize()
@choose_settings(MANY)
def test_every_answer_is_documented_after_many_tries(
    case: schemathesis.Case, target: Target
) -> None:
    check(case, target)
