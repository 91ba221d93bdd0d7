"""POST /prompt and what stands around the queue: /queue, /interrupt, /free."""

import json
from typing import Any
from uuid import uuid4

from aiohttp import web

from comfyhouse_engine.execution.problems import make_problem
from comfyhouse_engine.execution.queue import QueueItem
from comfyhouse_engine.execution.validation import validate_prompt
from comfyhouse_engine.server.engine import ENGINE, Engine, queue_status

routes = web.RouteTableDef()


class PromptsRefused(Exception):
    """The switch `refuse_prompts` is on; ends as ComfyUI's plain 500."""


@routes.get("/prompt")
async def show_remaining(request: web.Request) -> web.Response:
    """Answer how many prompts run or wait."""
    return web.json_response(queue_status(request.app[ENGINE].queue)["status"])


@routes.post("/prompt")
async def queue_prompt(request: web.Request) -> web.Response:
    """Validate and queue a prompt.

    Malformed JSON, a prompt that is no object, and a number that is none raise here and end as a
    500 with a text body, as recorded (http/215, 317-321, 327).
    """
    engine = request.app[ENGINE]
    if engine.switches.refuse_prompts:
        raise PromptsRefused
    body = engine.fence.admit(await request.json())
    number = _number_of(body, engine)
    if "prompt" not in body:
        problem = make_problem("no_prompt", "No prompt provided", "No prompt provided")
        return web.json_response({"error": problem, "node_errors": {}}, status=400)
    return _queue(engine, body, number)


def _queue(engine: Engine, body: dict[str, Any], number: float) -> web.Response:
    graph = body["prompt"]
    prompt_id = str(body.get("prompt_id", uuid4()))
    targets = body.get("partial_execution_targets")
    validation = validate_prompt(graph, engine.classes, targets)
    extra_data = body.get("extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    if validation.error is not None:
        refusal = {"error": validation.error, "node_errors": validation.node_errors}
        return web.json_response(refusal, status=400)
    engine.queue.put(QueueItem(number, prompt_id, graph, extra_data, validation.outputs))
    answer = {"prompt_id": prompt_id, "number": number, "node_errors": validation.node_errors}
    return web.json_response(answer)


def _number_of(body: Any, engine: Engine) -> float:
    """Return the place in the queue: the sender's, or the next one, negative for the front."""
    if "number" in body:
        return float(body["number"])
    number = engine.numbers.take()
    goes_first = isinstance(body, dict) and body.get("front")
    return -number if goes_first else number


@routes.get("/queue")
async def show_queue(request: web.Request) -> web.Response:
    """Answer everybody's running and pending prompts, extra data included."""
    running, pending = request.app[ENGINE].queue.list_current()
    return web.json_response({"queue_running": running, "queue_pending": pending})


@routes.post("/queue")
async def change_queue(request: web.Request) -> web.Response:
    """Clear or delete pending prompts; says 200 whether there were any or not."""
    body = await request.json()
    queue = request.app[ENGINE].queue
    if body.get("clear"):
        queue.clear()
    for prompt_id in body.get("delete", ()):
        queue.delete(prompt_id)
    return web.Response()


@routes.post("/interrupt")
async def interrupt(request: web.Request) -> web.Response:
    """Interrupt the running prompt: any, or only the one that is named."""
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = {}
    engine = request.app[ENGINE]
    wanted = body.get("prompt_id")
    if not wanted or engine.queue.is_running(wanted):
        engine.interrupt.request()
    return web.Response()


@routes.post("/free")
async def free(request: web.Request) -> web.Response:
    """Ask the worker to unload models or forget cached results."""
    body = await request.json()
    request.app[ENGINE].queue.set_flags(
        unload_models=bool(body.get("unload_models", False)),
        free_memory=bool(body.get("free_memory", False)),
    )
    return web.Response()
