"""/history: what has ended since the process started."""

from aiohttp import web

from comfyhouse_engine.server.engine import ENGINE

routes = web.RouteTableDef()


@routes.get("/history")
async def show_history(request: web.Request) -> web.Response:
    """Answer entries, oldest first; a NaN in a prompt stands there as the bare literal NaN."""
    engine = request.app[ENGINE]
    max_items = request.query.get("max_items")
    found = engine.queue.list_history(
        None if max_items is None else int(max_items), int(request.query.get("offset", -1))
    )
    return web.json_response({} if engine.switches.lose_history else found)


@routes.get("/history/{prompt_id}")
async def show_entry(request: web.Request) -> web.Response:
    """Answer one entry; {} while it is pending or running, and for an unknown id."""
    engine = request.app[ENGINE]
    found = engine.queue.find_history(request.match_info["prompt_id"])
    return web.json_response({} if engine.switches.lose_history else found)


@routes.post("/history")
async def change_history(request: web.Request) -> web.Response:
    """Clear or delete entries; deletes no file."""
    body = await request.json()
    queue = request.app[ENGINE].queue
    if body.get("clear"):
        queue.clear_history()
    for prompt_id in body.get("delete", ()):
        queue.delete_history(prompt_id)
    return web.Response()
