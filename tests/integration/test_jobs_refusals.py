"""Bad input gets a clear answer: its status, its code, and a pointer to the place."""

import base64
import json
from typing import Any

import httpx
import pytest
import pytest_asyncio

from comfyhoused.api.keys import list_keys, revoke_key
from comfyhoused.kit.ids import make_id
from tests.house import House
from tests.job_cases import make_blank_graph, make_generate, make_invert_graph
from tests.pictures import encode, make_image
from tests.unit.test_files_verification import make_bomb

pytestmark = pytest.mark.asyncio(loop_scope="session")

JOBS = "/api/v1/jobs"
GENERATE = "/api/v1/generate"
JSON = {"Content-Type": "application/json"}
PICTURE = encode(make_image(64, 64))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def customer(house: House) -> Any:
    async with await house.make_client(account=make_id("acct", 8)) as client:
        yield client


def make_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def change(graph: dict[str, Any], node: str, **inputs: Any) -> dict[str, Any]:
    """Return the graph with other inputs in one node."""
    graph[node]["inputs"].update(inputs)
    return graph


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"/errors/{code}"
    assert problem["detail"]
    assert "Traceback" not in answer.text
    assert len(answer.content) < 100_000
    return problem


PARAMETERS: list[tuple[str, dict[str, Any], str]] = [
    ("width too small", {"width": 8}, "/width"),
    ("width too large", {"width": 4096}, "/width"),
    ("width not divisible by 8", {"width": 513}, "/width"),
    ("height zero", {"height": 0}, "/height"),
    ("height negative", {"height": -64}, "/height"),
    ("no steps", {"steps": 0}, "/steps"),
    ("too many steps", {"steps": 151}, "/steps"),
    ("cfg too large", {"cfg_scale": 31}, "/cfg_scale"),
    ("too many images", {"num_images": 5}, "/num_images"),
    ("seed too large", {"seed": 2**32}, "/seed"),
    ("seed negative", {"seed": -1}, "/seed"),
    ("empty prompt", {"prompt": ""}, "/prompt"),
    ("blank prompt", {"prompt": "  \n"}, "/prompt"),
    ("long prompt", {"prompt": "x" * 5001}, "/prompt"),
    ("NUL in the prompt", {"prompt": "a\x00b"}, "/prompt"),
    ("long negative prompt", {"negative_prompt": "x" * 5001}, "/negative_prompt"),
    ("unknown model", {"model": "nobody.safetensors"}, "/model"),
    ("unknown sampler", {"sampler_name": "nobody"}, "/sampler_name"),
    ("unknown scheduler", {"scheduler": "nobody"}, "/scheduler"),
    ("unknown LoRA", {"loras": [{"name": "nobody"}]}, "/loras/0/name"),
    ("LoRA too strong", {"loras": [{"name": "nobody", "strength": 99}]}, "/loras/0/strength"),
]


@pytest.mark.parametrize(
    ("more", "pointer"), [case[1:] for case in PARAMETERS], ids=[case[0] for case in PARAMETERS]
)
@pytest.mark.parametrize("path", [GENERATE, JOBS])
async def test_parameters(
    customer: httpx.AsyncClient, path: str, more: dict[str, Any], pointer: str
) -> None:
    answer = await customer.post(path, json=make_generate() | more)

    problem = check_problem(answer, 422, "invalid_parameters")
    assert pointer in [error.get("pointer") for error in problem["errors"]]


@pytest.mark.parametrize("name", ["model", "sampler_name", "scheduler"])
async def test_unknown_names_come_with_the_known_ones(
    customer: httpx.AsyncClient, name: str
) -> None:
    problem = (await customer.post(JOBS, json=make_generate(**{name: "nobody"}))).json()

    (error,) = problem["errors"]
    good = await customer.post(JOBS, json=make_generate(**{name: error["allowed"][0]}))
    assert good.status_code == 202, good.text


SHAPES: list[tuple[str, dict[str, Any], str]] = [
    ("no prompt", {}, "/prompt"),
    ("prompt is a number", {"prompt": 7}, "/prompt"),
    ("width is a text", make_generate(width="wide"), "/width"),
    ("width has a fraction", make_generate(width=64.5), "/width"),
    ("unknown field", make_generate(colour="red"), "/colour"),
    ("priority too large", make_generate(priority=101), "/priority"),
    ("timeout zero", make_generate(timeout_seconds=0), "/timeout_seconds"),
    ("expiry too far", make_generate(expires_in_seconds=10**9), "/expires_in_seconds"),
    ("metadata holds a number", make_generate(metadata={"a": 1}), "/metadata/a"),
    ("workflow is a list", {"workflow": []}, "/workflow"),
    ("max_units zero", {"workflow": make_blank_graph(), "max_units": 0}, "/max_units"),
]


@pytest.mark.parametrize(
    ("body", "pointer"), [case[1:] for case in SHAPES], ids=[case[0] for case in SHAPES]
)
async def test_shapes(customer: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    answer = await customer.post(JOBS, json=body)

    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    pointers = [error.get("pointer") for error in answer.json()["errors"]]
    assert pointer in pointers


WORKFLOWS: list[tuple[str, Any, str]] = [
    ("empty", {}, "/workflow"),
    ("unknown node", {"1": {"class_type": "EmptyImag", "inputs": {}}}, "/workflow/1/class_type"),
    (
        "cycle",
        {
            "1": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
            "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
        },
        "/workflow",
    ),
    (
        "missing input",
        {"3": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}},
        "/workflow/3/inputs/images",
    ),
    ("link to nowhere", change(make_blank_graph(), "2", images=["7", 0]), "/workflow/2"),
    ("link to no output", change(make_blank_graph(), "2", images=["1", 5]), "/workflow/2"),
    ("stray node without inputs", make_blank_graph() | {"9": {"class_type": "ImageInvert"}}, ""),
    ("stray node that is none", make_blank_graph() | {"9": "nothing"}, "/workflow/9"),
    ("no output", {"1": make_blank_graph()["1"]}, "/workflow"),
    ("too large", change(make_blank_graph(), "1", width=10**6), "/workflow/1/inputs/width"),
    ("a text for a number", change(make_blank_graph(), "1", width="wide"), "/workflow/1"),
    ("a path", make_invert_graph("file_x") | {}, ""),
    (
        "editor format",
        {"nodes": [{"id": 1}], "links": [], "version": 0.4},
        "/workflow",
    ),
]


@pytest.mark.parametrize(
    ("graph", "pointer"),
    [case[1:] for case in WORKFLOWS if case[0] != "a path"],
    ids=[case[0] for case in WORKFLOWS if case[0] != "a path"],
)
async def test_workflows(customer: httpx.AsyncClient, graph: Any, pointer: str) -> None:
    answer = await customer.post(JOBS, json={"workflow": graph})

    problem = check_problem(answer, 422, "invalid_workflow")
    assert problem["errors"]
    assert any(error.get("pointer", "").startswith(pointer) for error in problem["errors"])


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "/etc/passwd", "example.png", "a.png [output]", "a.png [temp]", "..", ""],
)
async def test_file_names_in_workflows(customer: httpx.AsyncClient, name: str) -> None:
    graph = make_invert_graph("file_x")
    graph["1"]["inputs"]["image"] = name

    problem = check_problem(
        await customer.post(JOBS, json={"workflow": graph}), 422, "invalid_workflow"
    )

    assert problem["errors"][0]["pointer"] == "/workflow/1/inputs/image"


async def test_files_of_others_and_of_nobody(house: House, customer: httpx.AsyncClient) -> None:
    async with await house.make_client(account="stranger") as stranger:
        upload = await stranger.post(
            "/api/v1/files", content=PICTURE, headers={"Content-Type": "image/png"}
        )
    for file_id in (upload.json()["file_id"], "file_nobodynobodynobodynob"):
        bodies = [{"workflow": make_invert_graph(file_id)}, make_generate(init_image=file_id)]
        for body in bodies:
            check_problem(await customer.post(JOBS, json=body), 404, "file_not_found")


PICTURES: list[tuple[str, str, int, str]] = [
    ("no picture at all", "hello", 422, "picture_unreadable"),
    ("an address of ours", "https://127.0.0.2/a.png", 400, "url_refused"),
    ("bad base64", "data:image/png;base64,###", 422, "data_uri_unreadable"),
    ("zero bytes", make_uri(b""), 400, "empty_file"),
    ("text", make_uri(b"only text, though it says PNG"), 415, "not_an_image"),
    ("truncated", make_uri(PICTURE[: len(PICTURE) // 2]), 422, "truncated_image"),
    ("bomb", make_uri(make_bomb()), 413, "too_many_pixels"),
]


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [case[1:] for case in PICTURES],
    ids=[case[0] for case in PICTURES],
)
async def test_pictures(customer: httpx.AsyncClient, picture: str, status: int, code: str) -> None:
    answer = await customer.post(JOBS, json=make_generate(init_image=picture))

    check_problem(answer, status, code)


BODIES: list[tuple[str, bytes, dict[str, str], int, str]] = [
    ("malformed", b'{"prompt": "a', JSON, 400, "malformed_json"),
    ("empty", b"", JSON, 422, "unprocessable"),
    ("a list", b"[]", JSON, 422, "unprocessable"),
    ("not UTF-8", b'{"prompt": "\xff\xfe"}', JSON, 400, ""),
    ("too deep", b'{"workflow":' * 100_000, JSON, 400, ""),
    ("a huge number", b'{"prompt":"a","seed":1' + b"0" * 6000 + b"}", JSON, 0, ""),
    ("NaN", b'{"prompt":"a boat","cfg_scale":NaN}', JSON, 0, ""),
    ("infinity", b'{"prompt":"a boat","cfg_scale":1e999}', JSON, 0, ""),
    ("half a character", b'{"prompt":"a \\ud800 boat"}', JSON, 0, ""),
    (
        "half a character in a workflow",
        json.dumps({"workflow": {"\ud800": {"class_type": "\ud800", "inputs": {}}}}).encode(),
        JSON,
        422,
        "",
    ),
    ("half a model", b'{"prompt":"a","model":"\\ud800"}', JSON, 422, ""),
    ("half a LoRA", b'{"prompt":"a","loras":[{"name":"\\ud800"}]}', JSON, 422, ""),
    ("half a picture", b'{"prompt":"a","init_image":"\\ud800"}', JSON, 422, ""),
    ("half a field", b'{"prompt":"a","\\ud800":1}', JSON, 422, ""),
    ("half a character in metadata", b'{"prompt":"a","metadata":{"\\ud800":"b"}}', JSON, 0, ""),
    (
        "form",
        b"prompt=a",
        {"Content-Type": "application/x-www-form-urlencoded"},
        415,
        "unsupported_media_type",
    ),
    ("text", b'{"prompt":"a"}', {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ("oversize", b" " * 10_000_001, JSON, 413, "body_too_large"),
    (
        "a prompt of 9 MB",
        json.dumps({"prompt": "x" * 9_000_000}).encode(),
        JSON,
        422,
        "invalid_parameters",
    ),
]


@pytest.mark.parametrize("path", [GENERATE, JOBS])
@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [case[1:] for case in BODIES],
    ids=[case[0] for case in BODIES],
)
async def test_bodies(
    customer: httpx.AsyncClient,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await customer.post(path, content=body, headers=headers)

    assert answer.headers["Content-Type"] == "application/problem+json", answer.text[:300]
    assert 400 <= answer.status_code < 500, answer.text[:300]
    assert not status or answer.status_code == status, answer.text[:300]
    assert not code or answer.json()["code"] == code
    assert len(answer.content) < 20_000


async def test_an_oversize_body_without_a_length_is_cut_off(customer: httpx.AsyncClient) -> None:
    async def pour() -> Any:
        for _ in range(200):
            yield b" " * 100_000

    answer = await customer.post(JOBS, content=pour(), headers=JSON)

    check_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "key_missing"),
        ("Basic dXNlcjpwYXNz", "key_missing"),
        ("Bearer nothing", "key_unknown"),
        ("Bearer sk_live_" + "0" * 49, "key_unknown"),
        ("Bearer sk_live_é", "key_unknown"),
        ("Bearer", "key_missing"),
    ],
)
async def test_keys_that_are_none(house: House, authorization: str | None, code: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    async with httpx.AsyncClient(base_url=house.url) as client:
        for method, path in (
            ("POST", JOBS),
            ("POST", GENERATE),
            ("GET", JOBS),
            ("GET", JOBS + "/x"),
        ):
            answer = await client.request(method, path, headers=headers, json=make_generate())
            check_problem(answer, 401, code)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_key_stops_working_at_once(house: House) -> None:
    account = make_id("acct", 8)
    async with await house.make_client(account=account) as client:
        assert (await client.get(JOBS)).status_code == 200
        (key,) = [one for one in await list_keys(house.store) if one.account == account]
        await revoke_key(house.store, key.id)

        check_problem(await client.get(JOBS), 401, "key_unknown")
        check_problem(await client.post(JOBS, json=make_generate()), 401, "key_unknown")


@pytest.mark.parametrize("job_id", ["nobody", "0" * 36, "..%2f..", "%00", "x" * 3000, "%F0%9F"])
async def test_ids_of_no_job(customer: httpx.AsyncClient, job_id: str) -> None:
    for answer in (
        await customer.get(f"{JOBS}/{job_id}"),
        await customer.post(f"{JOBS}/{job_id}/cancel"),
        await customer.delete(f"{JOBS}/{job_id}"),
    ):
        assert answer.status_code == 404, answer.text[:300]
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=nothing", "limit=-1"])
async def test_listings_asked_for_wrongly(customer: httpx.AsyncClient, query: str) -> None:
    answer = await customer.get(f"{JOBS}?{query}")

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "route_unknown"),
        ("PUT", JOBS, 405, "method_not_allowed"),
        ("GET", GENERATE, 405, "method_not_allowed"),
    ],
)
async def test_addresses_that_are_none(
    customer: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    check_problem(await customer.request(method, path), status, code)


async def test_a_long_idempotency_key_is_refused(customer: httpx.AsyncClient) -> None:
    answer = await customer.post(JOBS, json=make_generate(), headers={"Idempotency-Key": "x" * 256})

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_nothing_of_all_that_became_a_job(house: House, customer: httpx.AsyncClient) -> None:
    """Refused is refused: the house is as quiet as before, and still works."""
    jobs = (await customer.get(JOBS, params={"limit": 100})).json()["jobs"]
    for job in jobs:
        assert job["status"] in ("succeeded", "queued", "running"), job
    assert (await customer.post(GENERATE, json=make_generate())).status_code == 200
