"""The installed pack works inside ComfyUI, loaded the way ComfyUI loads a custom node.

The host here is made of what ComfyUI 0.3.64 offers a pack: a module `server` with
`PromptServer.instance`, a module `folder_paths`, and a POST /prompt that runs the prompt
handlers first and answers 400 `no_prompt` to a body without a prompt.
"""

import ast
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

import comfyhouse_nodes
from comfyhouse_nodes.install import install
from comfyhouse_nodes.photo import nodes

OURS = "ch_0123456789abcdef.png"


class Host:
    """The part of ComfyUI's server object that a pack meets."""

    def __init__(self) -> None:
        self.routes = web.RouteTableDef()
        self.handlers: list[Callable[[Any], Any]] = []
        self.queue: list[Any] = []

    def add_on_prompt_handler(self, handler: Callable[[Any], Any]) -> None:
        self.handlers.append(handler)

    async def post_prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        for handler in self.handlers:
            body = handler(body)
        if "prompt" not in body:
            return web.json_response({"error": {"type": "no_prompt"}}, status=400)
        self.queue.append(body)
        return web.json_response({"number": len(self.queue)})

    def make_app(self) -> web.Application:
        """ComfyUI serves every route under /api too, and breaks on a route with options."""
        app = web.Application()
        app.router.add_post("/prompt", self.post_prompt)
        under_api = web.RouteTableDef()
        for route in self.routes:
            assert isinstance(route, web.RouteDef)
            under_api.route(route.method, f"/api{route.path}")(route.handler, **route.kwargs)
        app.add_routes(under_api)
        app.add_routes(self.routes)
        return app


@pytest.fixture
def comfyui(tmp_path: Path) -> Path:
    root = tmp_path / "ComfyUI 1.0"
    for name in ("custom_nodes", "input", "output", "temp"):
        (root / name).mkdir(parents=True)
    (root / "main.py").touch()
    return root


@pytest.fixture
def host(comfyui: Path) -> Iterator[Host]:
    """Pretend to be ComfyUI's process for the time of a test.

    NumPy and OpenCV, which a process can load but once, are there before: `nodes` needs them.
    """
    before = set(sys.modules)
    server: Any = ModuleType("server")
    server.PromptServer = type("PromptServer", (), {"instance": Host()})
    folder_paths: Any = ModuleType("folder_paths")
    for kind in ("input", "output", "temp"):
        setattr(folder_paths, f"get_{kind}_directory", lambda kind=kind: str(comfyui / kind))
    sys.modules.update(server=server, folder_paths=folder_paths)
    yield server.PromptServer.instance
    for name in set(sys.modules) - before:
        del sys.modules[name]


def load_custom_node(folder: Path) -> ModuleType:
    """Load a folder as ComfyUI does: under its own path, dots replaced, as module name."""
    name = str(folder).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def http(host: Host, comfyui: Path) -> AsyncIterator[ClientSession]:
    load_custom_node(install(comfyui).path)
    async with (
        TestServer(host.make_app()) as server,
        ClientSession(server.make_url("/")) as session,
    ):
        yield session


def test_it_offers_what_comfyui_looks_for(host: Host, comfyui: Path) -> None:
    module = load_custom_node(install(comfyui).path)

    names = set(nodes.NODE_CLASS_MAPPINGS)
    assert names == {"ComfyhousePortraitPro", "ComfyhouseProductGlow", "ComfyhouseCinematic"}
    assert set(module.NODE_CLASS_MAPPINGS) == names
    assert set(module.NODE_DISPLAY_NAME_MAPPINGS) == names
    assert not hasattr(module, "WEB_DIRECTORY")
    assert len(host.handlers) == 1


async def test_the_same_attempt_is_queued_once(http: ClientSession, host: Host) -> None:
    body = {"prompt": {"1": {}}, "extra_data": {"comfyhouse": {"attempt": "a1"}}}
    answers = []
    for _ in range(3):
        async with http.post("/prompt", json=body) as answer:
            answers.append((answer.status, (await answer.json()).get("error")))

    assert answers == [(200, None), (400, {"type": "no_prompt"}), (400, {"type": "no_prompt"})]
    assert len(host.queue) == 1


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_hello_and_deletion_answer(http: ClientSession, comfyui: Path, prefix: str) -> None:
    (comfyui / "input" / OURS).write_bytes(b"x")
    ref = {"name": OURS, "subfolder": "", "type": "input"}

    async with http.get(f"{prefix}/comfyhouse/hello") as answer:
        assert (answer.status, (await answer.json())["fence"]) == (200, True)
    async with http.post(f"{prefix}/comfyhouse/files/delete", json={"files": [ref]}) as answer:
        assert (answer.status, (await answer.json())["deleted"]) == (200, 1)
    assert not (comfyui / "input" / OURS).exists()


def test_a_second_copy_does_not_register_again(host: Host, comfyui: Path) -> None:
    first = install(comfyui).path
    second = first.with_name("comfyhouse_nodes copy")
    load_custom_node(first)
    first.rename(second)
    load_custom_node(second)

    assert len(host.handlers) == 1
    assert len([route for route in host.routes if isinstance(route, web.RouteDef)]) == 2


def test_outside_comfyui_nothing_is_registered(comfyui: Path) -> None:
    assert "server" not in sys.modules
    assert load_custom_node(install(comfyui).path).NODE_CLASS_MAPPINGS == {}


def test_an_unrelated_module_called_server_is_no_comfyui(host: Host, comfyui: Path) -> None:
    sys.modules["server"] = ModuleType("server")

    load_custom_node(install(comfyui).path)

    assert host.handlers == []


def test_the_syntax_is_old_enough_for_comfyuis_python() -> None:
    sources = sorted(Path(comfyhouse_nodes.__file__).parent.rglob("*.py"))

    parsed = [ast.parse(path.read_text("utf-8"), feature_version=(3, 9)) for path in sources]

    assert len(parsed) >= 8
