/** Server-sent events, read from the answer of a fetch. */

import { EventSourceParserStream } from "eventsource-parser/stream";

import type { JobEvent } from "./models.js";

/** The events of a stream, until it ends. */
export async function* readEvents(response: Response): AsyncGenerator<JobEvent> {
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
