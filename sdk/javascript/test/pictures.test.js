// Against a running house: COMFYHOUSE_URL and COMFYHOUSE_API_KEY (a test key) say which.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthenticationFailed, Client, InvalidRequest, JobFailed, NotFound } from "@comfyhouse/client";

const SMALL = { width: 64, height: 64, steps: 1 };
const client = new Client();

test("a picture comes in one call", async () => {
  const job = await client.generate("a red boat", { ...SMALL, seed: 7 });
  assert.equal(job.status, "succeeded");
  assert.equal(job.images[0].seed, 7);

  const answer = await client.files.download(job.outputs[0].file_id);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  assert.equal(bytes.length, job.outputs[0].size_bytes);
});

test("a job is followed to its end", async () => {
  const job = await client.jobs.submit({ prompt: "a followed boat", ...SMALL });
  const kinds = [];
  for await (const event of client.jobs.follow(job.job_id)) kinds.push(event.type);
  assert.equal(kinds[0], "job.queued");
  assert.equal(kinds.at(-1), "job.succeeded");
});

test("a job goes through its life", async () => {
  const job = await client.jobs.submit({ prompt: "sandbox:hang", ...SMALL });
  assert.equal((await client.jobs.get(job.job_id)).job_id, job.job_id);
  await client.jobs.cancel(job.job_id);
  await assert.rejects(client.jobs.wait(job.job_id), JobFailed);

  const listed = [];
  for await (const one of client.jobs.listAll({ status: "canceled" })) listed.push(one.job_id);
  assert.ok(listed.includes(job.job_id));

  await client.jobs.erase(job.job_id);
  await assert.rejects(client.jobs.get(job.job_id), NotFound);
});

test("what is wrong comes as a class", async () => {
  const refused = await client.generate("a boat", { width: 7 }).catch((error) => error);
  assert.ok(refused instanceof InvalidRequest);
  assert.equal(refused.errors[0].pointer, "/width");

  const failed = await client.generate("sandbox:fail", SMALL).catch((error) => error);
  assert.ok(failed instanceof JobFailed);
  assert.equal(failed.code, "node_failed");
  assert.ok(failed.jobId);

  const stranger = new Client({ apiKey: "sk_test_wrong" });
  await assert.rejects(stranger.jobs.list(), AuthenticationFailed);
});
