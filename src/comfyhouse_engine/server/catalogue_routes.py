"""What the engine offers: node classes, models, features."""

from typing import Any

from aiohttp import web

from comfyhouse_engine import models
from comfyhouse_engine.server.engine import ENGINE, Engine
from comfyhouse_engine.server.hub import SERVER_FEATURES

routes = web.RouteTableDef()


@routes.get("/object_info")
async def list_classes(request: web.Request) -> web.Response:
    """Answer all node classes with their inputs and outputs."""
    engine = request.app[ENGINE]
    return web.json_response({name: describe_class(engine, name) for name in engine.classes})


@routes.get("/object_info/{name}")
async def show_class(request: web.Request) -> web.Response:
    """Answer one node class, {} for an unknown one."""
    engine, name = request.app[ENGINE], request.match_info["name"]
    known = name in engine.classes
    return web.json_response({name: describe_class(engine, name)} if known else {})


def describe_class(engine: Engine, name: str) -> dict[str, Any]:
    """Return a class as /object_info shows it.

    Classes with IS_SCHEMA_NODE stand for ComfyUI's newer kind, which always has all keys, and
    null as display name when it has none.
    """
    node: Any = engine.classes[name]
    inputs = _describe_inputs(node)
    outputs = node.RETURN_TYPES
    described = {
        "input": inputs,
        "input_order": {category: list(names) for category, names in inputs.items()},
        "output": outputs,
        "output_is_list": getattr(node, "OUTPUT_IS_LIST", [False] * len(outputs)),
        "output_name": getattr(node, "RETURN_NAMES", outputs),
        "name": name,
        "display_name": engine.display_names.get(name, None if _is_schema(node) else name),
        "description": getattr(node, "DESCRIPTION", ""),
        "python_module": getattr(node, "RELATIVE_PYTHON_MODULE", "nodes"),
        "category": getattr(node, "CATEGORY", "sd"),
        "output_node": getattr(node, "OUTPUT_NODE", False),
    }
    return described | _describe_extras(node)


def _describe_inputs(node: Any) -> dict[str, Any]:
    """Return the declared inputs; the newer kind wraps the hidden ones in lists."""
    inputs: dict[str, Any] = dict(node.INPUT_TYPES())
    if _is_schema(node) and "hidden" in inputs:
        inputs["hidden"] = {name: [kind] for name, kind in inputs["hidden"].items()}
    return inputs


def _describe_extras(node: Any) -> dict[str, Any]:
    extras: dict[str, Any] = {}
    is_schema = _is_schema(node)
    # None takes the tooltips of a refined class off again.
    tooltips = getattr(node, "OUTPUT_TOOLTIPS", None)
    if is_schema or tooltips is not None:
        extras["output_tooltips"] = tooltips or [None] * len(node.RETURN_TYPES)
    for key in ("deprecated", "experimental", "api_node"):
        flag = getattr(node, key.upper(), False)
        if flag or is_schema:
            extras[key] = flag
    return extras


def _is_schema(node: Any) -> bool:
    return bool(getattr(node, "IS_SCHEMA_NODE", False))


@routes.get("/models")
async def list_model_folders(request: web.Request) -> web.Response:
    """Answer the names of all model folders."""
    return web.json_response(models.list_folders())


@routes.get("/models/{folder}")
async def list_model_files(request: web.Request) -> web.Response:
    """Answer the files of one folder."""
    folder = request.match_info["folder"]
    if folder not in models.list_folders():
        return web.Response(status=404)
    return web.json_response(models.list_models(folder))


@routes.get("/embeddings")
async def list_embeddings(request: web.Request) -> web.Response:
    """Answer the embeddings, without extensions."""
    return web.json_response([name.rpartition(".")[0] for name in models.list_models("embeddings")])


@routes.get("/view_metadata/{folder}")
async def show_model_metadata(request: web.Request) -> web.Response:
    """Answer the metadata of a model file; ours has no weights, so it says just that."""
    name = request.query.get("filename", "")
    if name not in models.list_models(request.match_info["folder"]):
        return web.Response(status=404)
    return web.json_response({"format": "pt", "note": "no weights: the sandbox paints by itself"})


@routes.get("/extensions")
async def list_extensions(request: web.Request) -> web.Response:
    """Answer the files of the web page: the engine has none."""
    return web.json_response([])


@routes.get("/features")
async def show_features(request: web.Request) -> web.Response:
    """Answer the server's side of the feature flags."""
    return web.json_response(SERVER_FEATURES)
