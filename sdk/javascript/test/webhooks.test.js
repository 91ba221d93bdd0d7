import assert from "node:assert/strict";
import { test } from "node:test";

import { SignatureInvalid } from "@comfyhouse/client";
import { verifyWebhook } from "@comfyhouse/client/webhooks";
import { Webhook } from "standardwebhooks";

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes, ok").toString("base64")}`;
const BODY = JSON.stringify({ type: "job.succeeded", timestamp: "2026-01-01T00:00:00Z", data: {} });

function sign(body, at = new Date()) {
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(SECRET).sign("msg_1", at, body),
  };
}

test("a signed event is read", () => {
  assert.equal(verifyWebhook(SECRET, new Headers(sign(BODY)), BODY).type, "job.succeeded");
});

test("another body, another secret and an old message are refused", () => {
  assert.throws(() => verifyWebhook(SECRET, sign(BODY), `${BODY} `), SignatureInvalid);
  const other = `whsec_${Buffer.from("some other secret of 32 bytes ok").toString("base64")}`;
  assert.throws(() => verifyWebhook(other, sign(BODY), BODY), SignatureInvalid);
  const old = new Date(Date.now() - 600_000);
  assert.throws(() => verifyWebhook(SECRET, sign(BODY, old), BODY), SignatureInvalid);
});
