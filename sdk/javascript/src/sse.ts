/** Server-sent events, which go on behind the last one where the connection breaks. */

import { EventSourceParserStream } from "eventsource-parser/stream";

import { ApiError, ServerUnavailable } from "./errors.js";
import type { JobEvent } from "./models.js";
import { pause, type Transport } from "./transport.js";

/**
 * Events until one of the last types came. After a reconnection nothing is missed or told
 * twice, but for what comes only live.
 */
export async function* followStream(
  transport: Transport,
  path: string,
  lastTypes: ReadonlySet<string>,
  signal?: AbortSignal,
): AsyncGenerator<JobEvent> {
  let seen: string | null = null;
  for (let failures = 0; ; ) {
    try {
      for await (const event of readStream(transport, path, seen, signal)) {
        failures = 0;
        seen = event.id ?? seen;
        yield event;
        if (lastTypes.has(event.type)) return;
      }
    } catch (error) {
      if (signal?.aborted || isFinal(error)) throw error;
      failures += 1;
      if (failures > transport.mostRetries) throw error;
    }
    await pause(transport.choosePause(Math.max(failures - 1, 0)), signal);
  }
}

async function* readStream(
  transport: Transport,
  path: string,
  seen: string | null,
  signal?: AbortSignal,
): AsyncGenerator<JobEvent> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (seen !== null) headers["Last-Event-ID"] = seen;
  yield* readEvents(await transport.send("GET", path, { headers, signal }));
}

async function* readEvents(response: Response): AsyncGenerator<JobEvent> {
  if (response.body === null) return;
  const reader = response.body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const data = JSON.parse(value.data) as Record<string, unknown>;
      yield { type: value.event ?? "message", id: value.id ?? null, data };
    }
  } finally {
    await reader.cancel().catch(() => undefined); // it may have broken off by itself
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiError && !(error instanceof ServerUnavailable);
}
