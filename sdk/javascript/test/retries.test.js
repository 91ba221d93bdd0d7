// Against a server of the test's own that behaves badly.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";

import { Client, ConnectionFailed, LimitReached } from "@comfyhouse/client";

async function serve(answer, work) {
  const requests = [];
  const server = createServer((request, response) => {
    requests.push(request);
    request.resume();
    answer(requests.length, request, response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  try {
    await work(new Client({ apiKey: "sk_test_x", baseUrl, firstPause: 1 }), requests);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function send(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

const JOB = { job_id: "j", status: "queued" };

test("a submission is repeated with the same idempotency key", async () => {
  const answer = (count, _, response) =>
    count < 3
      ? send(response, 503, { code: "store_unavailable", retryable: true })
      : send(response, 202, JOB);
  await serve(answer, async (client, requests) => {
    assert.equal((await client.jobs.submit({ prompt: "a boat" })).job_id, "j");
    const keys = requests.map((request) => request.headers["idempotency-key"]);
    assert.equal(keys.length, 3);
    assert.equal(new Set(keys).size, 1);
  });
});

test("a connection that breaks is tried again, and given up in the end", async () => {
  await serve((_, request) => request.socket.destroy(), async (client, requests) => {
    await assert.rejects(client.jobs.get("j"), ConnectionFailed);
    assert.equal(requests.length, 5);
  });
});

test("a limit that time does not mend is not tried again", async () => {
  const answer = (_, __, response) =>
    send(response, 429, { code: "quota_exceeded", retryable: false });
  await serve(answer, async (client, requests) => {
    await assert.rejects(client.jobs.submit({ prompt: "a boat" }), LimitReached);
    assert.equal(requests.length, 1);
  });
});

test("a cancellation is sent once only where it fails", async () => {
  await serve((_, request) => request.socket.destroy(), async (client, requests) => {
    await assert.rejects(client.jobs.cancel("j"), ConnectionFailed);
    assert.equal(requests.length, 1);
  });
});

test("a stream that breaks off goes on behind the last event", async () => {
  const answer = (count, request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    if (count === 1) {
      response.write('id: 1-0\nevent: job.queued\ndata: {}\n\n');
      response.end();
      return;
    }
    assert.equal(request.headers["last-event-id"], "1-0");
    response.end('id: 2-0\nevent: job.succeeded\ndata: {}\n\n');
  };
  await serve(answer, async (client, requests) => {
    const ids = [];
    for await (const event of client.jobs.follow("j")) ids.push(event.id);
    assert.deepEqual(ids, ["1-0", "2-0"]);
    assert.equal(requests.length, 2);
  });
});
