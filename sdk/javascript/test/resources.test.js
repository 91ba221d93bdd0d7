// Against a running house; COMFYHOUSE_API_KEY is a test key with every scope.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthenticationFailed, Client, NotFound } from "@comfyhouse/client";

const client = new Client();
const GRAPH = {
  1: { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 1857347 } },
  2: { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "pine" } },
};
const COLOUR = { type: "integer", node_id: "1", field: "color", minimum: 0, maximum: 0xffffff };

test("a workflow is registered and run", async () => {
  const workflow = await client.workflows.register("pine-js", {
    workflow: GRAPH,
    inputs: { colour: COLOUR },
  });
  assert.equal(workflow.version, 1);

  const job = await client.workflows.run("pine-js", { colour: 255 });
  assert.equal((await client.jobs.wait(job.job_id)).outputs.length, 1);

  assert.ok("colour" in (await client.workflows.getSchema("pine-js")).properties);
  assert.match((await client.workflows.getOpenapi("pine-js")).openapi, /^3\.1/);
  assert.ok((await client.workflows.list()).items.some((one) => one.name === "pine-js"));
  await client.workflows.delete("pine-js");
  await assert.rejects(client.workflows.get("pine-js"), NotFound);
});

test("an endpoint lives from its making to its end", async () => {
  const made = await client.webhooks.createEndpoint({ url: "http://127.0.0.1:9/hooks" });
  const { endpoint_id: id } = made;
  assert.match(made.secret, /^whsec_/);
  assert.equal((await client.webhooks.getEndpoint(id)).url, made.url);
  const changed = await client.webhooks.changeEndpoint(id, { description: "ours" });
  assert.equal(changed.description, "ours");
  assert.equal((await client.webhooks.rotateEndpointSecret(id)).length, 2);
  assert.equal((await client.webhooks.getEndpointSecrets(id)).length, 2);

  const delivery = await client.webhooks.testEndpoint(id);
  const page = await client.webhooks.listDeliveries({ endpointId: id });
  assert.ok(page.items.some((one) => one.delivery_id === delivery.delivery_id));
  assert.equal((await client.webhooks.getDelivery(delivery.delivery_id)).endpoint_id, id);
  const since = new Date(Date.now() - 3_600_000).toISOString();
  assert.ok((await client.webhooks.replay(id, { since })).complete);

  await client.webhooks.deleteEndpoint(id);
  assert.ok((await client.webhooks.listEndpoints()).every((one) => one.endpoint_id !== id));
});

test("a key is made, replaced and revoked", async () => {
  const made = await client.keys.create({ name: "reader", scopes: ["jobs:read"] });
  const successor = await client.keys.rotate(made.key_id, { overlap_hours: 1 });
  assert.equal((await client.keys.get(made.key_id)).replaced_by, successor.key_id);
  await client.keys.revoke(made.key_id);
  await assert.rejects(new Client({ apiKey: made.secret }).jobs.list(), AuthenticationFailed);
  assert.ok((await new Client({ apiKey: successor.secret }).jobs.list()).items);
  assert.match((await client.keys.createClientToken()).client_token, /^ct_/);
  assert.equal((await client.keys.getAccount()).mode, "test");
});

test("what it costs is known before and after", async () => {
  assert.equal((await client.estimate({ prompt: "a boat", width: 64, height: 64 })).fits, true);
  assert.equal((await client.usage.get()).used, 0);
  assert.equal((await (await client.usage.readLedger()).text()).trim(), "");
});

test("what the house offers is listed", async () => {
  assert.ok((await client.offers.listModels()).checkpoints.length > 0);
  assert.ok((await client.offers.listSamplers()).samplers.length > 0);
  assert.ok((await client.offers.listTemplates()).some((one) => one.name === "upscale"));
  assert.ok((await client.offers.getTemplate("inpaint")).inputs.properties);
  assert.equal((await client.offers.getHealth()).status, "ok");
  assert.equal((await client.offers.getReadiness()).store, true);
  assert.match(await client.offers.getMetrics(), /comfyhouse/);
});

test("a batch runs and comes as one archive", async () => {
  const template = { width: 64, height: 64, steps: 1 };
  const inputs = [{ prompt: "boat 1" }, { prompt: "boat 2" }, { prompt: "sandbox:fail" }];
  const { batch_id: id } = await client.batches.submit({ template, inputs });
  const kinds = [];
  for await (const event of client.batches.follow(id)) kinds.push(event.type);
  assert.equal(kinds.at(-1), "batch.completed");
  const { counts } = await client.batches.wait(id);
  assert.deepEqual([counts.succeeded, counts.failed], [2, 1]);
  assert.equal((await client.batches.listJobs(id, { status: "failed" })).items.length, 1);
  const zip = new Uint8Array(await (await client.batches.download(id)).arrayBuffer());
  assert.deepEqual([...zip.slice(0, 2)], [0x50, 0x4b]);

  assert.equal((await client.batches.retry(id)).retried, 1);
  await client.batches.cancel(id);
  assert.ok((await client.batches.list()).items.some((one) => one.batch_id === id));
  await client.batches.erase(id);
  await assert.rejects(client.batches.get(id), NotFound);
});
