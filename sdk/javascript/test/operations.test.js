import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, OPERATIONS } from "@comfyhouse/client";

test("every operation has its method", () => {
  const client = new Client({ apiKey: "sk_test_x" });
  for (const [name, path] of Object.entries(OPERATIONS)) {
    const method = path.split(".").reduce((part, step) => part?.[step], client);
    assert.equal(typeof method, "function", `${name}: ${path}`);
  }
});
