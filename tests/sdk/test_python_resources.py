"""The other resources through the Python SDK: workflows, webhooks, keys, usage, offers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
import pytest_asyncio

from comfyhouse import AsyncClient, AuthenticationFailed, NotFound
from comfyhoused.api.key_records import SCOPES
from comfyhoused.api.keys import create_key
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")
_GRAPH = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 1857347},
    },
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "pine"}},
}
_COLOUR = {"type": "integer", "node_id": "1", "field": "color", "minimum": 0, "maximum": 0xFFFFFF}


@pytest_asyncio.fixture(loop_scope="session")
async def client(house: House) -> AsyncIterator[AsyncClient]:
    _, secret = await create_key(
        house.store, account="resources", mode="test", plan="business", scopes=SCOPES
    )
    async with AsyncClient(secret, base_url=house.url) as one:
        yield one


async def test_a_workflow_is_registered_and_run(client: AsyncClient) -> None:
    workflow = await client.workflows.register("pine", _GRAPH, {"colour": _COLOUR})
    again = await client.workflows.register("pine", _GRAPH, {"colour": _COLOUR})
    assert (workflow.version, again.version) == (1, 1)

    job = await client.workflows.run("pine", {"colour": 255})
    assert len((await client.jobs.wait(job.job_id)).outputs) == 1

    assert "colour" in (await client.workflows.get_schema("pine"))["properties"]
    assert (await client.workflows.get_openapi("pine"))["openapi"].startswith("3.1")
    assert "pine" in [one.name for one in (await client.workflows.list()).items]
    await client.workflows.delete("pine")
    with pytest.raises(NotFound):
        await client.workflows.get("pine")


async def test_an_endpoint_lives_from_its_making_to_its_end(client: AsyncClient) -> None:
    made = await client.webhooks.create_endpoint("http://127.0.0.1:9/hooks")
    kept = await client.webhooks.get_endpoint(made.endpoint_id)
    assert (kept.url, made.secret.startswith("whsec_")) == (made.url, True)

    changed = await client.webhooks.change_endpoint(made.endpoint_id, description="ours")
    assert changed.description == "ours"
    assert len(await client.webhooks.rotate_endpoint_secret(made.endpoint_id)) == 2
    assert len(await client.webhooks.get_endpoint_secrets(made.endpoint_id)) == 2
    assert len(await client.webhooks.get_secrets()) >= 1

    delivery = await client.webhooks.test_endpoint(made.endpoint_id)
    page = await client.webhooks.list_deliveries(endpoint_id=made.endpoint_id)
    assert delivery.delivery_id in [one.delivery_id for one in page.items]
    detail = await client.webhooks.get_delivery(delivery.delivery_id)
    assert detail.endpoint_id == made.endpoint_id
    since = datetime.now(UTC) - timedelta(hours=1)
    assert (await client.webhooks.replay(made.endpoint_id, since=since)).complete

    await client.webhooks.delete_endpoint(made.endpoint_id)
    assert made.endpoint_id not in [
        one.endpoint_id for one in await client.webhooks.list_endpoints()
    ]


async def test_a_key_is_made_replaced_and_revoked(house: House, client: AsyncClient) -> None:
    account = await client.keys.get_account()
    made = await client.keys.create("reader", scopes=["jobs:read"])
    successor = await client.keys.rotate(made.key_id, overlap_hours=1)
    assert {made.key_id, successor.key_id} <= {one.key_id for one in await client.keys.list()}
    assert (await client.keys.get(made.key_id)).replaced_by == successor.key_id

    await client.keys.revoke(made.key_id)
    async with AsyncClient(made.secret, base_url=house.url) as revoked:
        with pytest.raises(AuthenticationFailed):
            await revoked.jobs.list()
    async with AsyncClient(successor.secret, base_url=house.url) as reader:
        assert (await reader.jobs.list()).items is not None
    token = await client.keys.create_client_token(expires_in_seconds=60)
    assert token.client_token.startswith("ct_")
    assert account.mode == "test"


async def test_what_it_costs_is_known_before_and_after(client: AsyncClient) -> None:
    estimate = await client.estimate(prompt="a boat", width=64, height=64)
    usage = await client.usage.get()
    lines = [line async for line in client.usage.read_ledger()]

    assert (estimate.units, estimate.fits) == (0, True)  # test mode is free
    assert usage.used == len(lines) == 0


async def test_what_the_house_offers_is_listed(client: AsyncClient) -> None:
    models = await client.offers.list_models()
    templates = await client.offers.list_templates()

    assert models.checkpoints
    assert (await client.offers.list_samplers()).samplers
    assert "upscale" in [one.name for one in templates]
    assert (await client.offers.get_template("inpaint")).inputs["properties"]
    assert (await client.offers.get_health()).status == "ok"
    assert (await client.offers.get_readiness()).store is True
    assert "comfyhouse" in await client.offers.get_metrics()


async def test_a_batch_runs_and_comes_as_one_archive(client: AsyncClient, tmp_path: Path) -> None:
    small = {"width": 64, "height": 64, "steps": 1}
    inputs = [{"prompt": f"boat {number}"} for number in range(3)] + [{"prompt": "sandbox:fail"}]
    batch = await client.batches.submit(template=small, inputs=inputs)
    kinds = [event.type async for event in client.batches.follow(batch.batch_id)]
    ended = await client.batches.wait(batch.batch_id)

    assert kinds[-1] == "batch.completed"
    assert (ended.counts.succeeded, ended.counts.failed) == (3, 1)
    page = await client.batches.list_jobs(batch.batch_id, status="failed")
    assert [job.status for job in page.items] == ["failed"]
    size = await client.batches.download(batch.batch_id, tmp_path / "all.zip")
    assert size == (tmp_path / "all.zip").stat().st_size
    assert len([one for one in ZipFile(tmp_path / "all.zip").namelist() if "png" in one]) == 3

    assert (await client.batches.retry(batch.batch_id)).retried == 1
    await client.batches.cancel(batch.batch_id)
    assert batch.batch_id in [one.batch_id for one in (await client.batches.list()).items]
    await client.batches.erase(batch.batch_id)
    with pytest.raises(NotFound):
        await client.batches.get(batch.batch_id)
