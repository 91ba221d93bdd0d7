"""One of each kind of thing that an account can have, made through the API."""

from typing import Any

import httpx

from comfyhoused.kit.ids import make_id
from tests.job_cases import make_blank_graph, make_generate
from tests.pictures import encode, make_image

_API = "/api/v1"


async def make_belongings(url: str, secret: str) -> dict[str, str]:
    """Return the id of each, by the name that addresses have for it."""
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client:
        done = await _send(client, "post", "/generate", json=make_generate())
        picture = encode(make_image(16, 16))
        kind = {"Content-Type": "image/png"}
        upload = await _send(client, "post", "/files", content=picture, headers=kind)
        name = make_id("flow", 8).replace("_", "-")
        await _send(client, "put", f"/workflows/{name}", json={"workflow": make_blank_graph()})
        hook = {"url": "https://hooks.example/in"}
        endpoint = await _send(client, "post", "/webhooks/endpoints", json=hook)
        key = await _send(client, "post", "/keys", json={})
        batch = await _send(client, "post", "/batches", json={"jobs": [make_generate()]})
        path = f"/webhooks/endpoints/{endpoint['endpoint_id']}/test"
        delivery = await _send(client, "post", path)
        return {
            "job_id": done["job_id"],
            "file_id": upload["file_id"],
            "name": name,
            "endpoint_id": endpoint["endpoint_id"],
            "delivery_id": delivery["delivery_id"],
            "key_id": key["key_id"],
            "batch_id": batch["batch_id"],
        }


async def _send(client: httpx.AsyncClient, method: str, path: str, **request: Any) -> Any:
    answer = await client.request(method, _API + path, **request)
    assert answer.is_success, answer.text
    return answer.json()
