/** Batches: up to a thousand jobs at once. */

import { WaitTimedOut } from "./errors.js";
import type { SubmitOptions } from "./jobs.js";
import type { JobEvent, Page } from "./models.js";
import type { Batch, BatchList, BatchRequest, BatchRetried, Job, JobList } from "./schema.js";
import { followStream } from "./sse.js";
import { pause, type Transport } from "./transport.js";

/** The resource `/batches`. */
export class Batches {
  constructor(private readonly transport: Transport) {}

  /** Submit a list of `jobs`, or one `template` with every one of `inputs` laid over it. */
  async submit(request: Partial<BatchRequest>, options: SubmitOptions = {}): Promise<Batch> {
    return this.transport.request("POST", "/batches", { json: request, isKeyed: true, ...options });
  }

  /** A batch with its counts. */
  async get(batchId: string, signal?: AbortSignal): Promise<Batch> {
    return this.transport.request("GET", `/batches/${batchId}`, { signal });
  }

  /** One page of batches, newest first. */
  async list(query: { limit?: number; cursor?: string | null } = {}): Promise<Page<Batch>> {
    const body = await this.transport.request<BatchList>("GET", "/batches", { query });
    return { items: body.batches, nextCursor: body.next_cursor };
  }

  /** One page of a batch's jobs, in its own order. */
  async listJobs(
    batchId: string,
    query: { limit?: number; cursor?: string | null; status?: string } = {},
  ): Promise<Page<Job>> {
    const path = `/batches/${batchId}/jobs`;
    const body = await this.transport.request<JobList>("GET", path, { query });
    return { items: body.jobs, nextCursor: body.next_cursor };
  }

  /** Cancel what is not over; harmless where all is. */
  async cancel(batchId: string): Promise<Batch> {
    return this.transport.request("POST", `/batches/${batchId}/cancel`);
  }

  /** Submit what failed, was canceled or expired once more. */
  async retry(batchId: string): Promise<BatchRetried> {
    return this.transport.request("POST", `/batches/${batchId}/retry`);
  }

  /** Erase a batch with its jobs, prompts and outputs for good. */
  async erase(batchId: string): Promise<void> {
    await this.transport.request("DELETE", `/batches/${batchId}`);
  }

  /** All outputs as one ZIP, as an answer that can be streamed. */
  async download(batchId: string): Promise<Response> {
    return this.transport.send("GET", `/batches/${batchId}/archive`);
  }

  /** How a batch goes on until it is over; reconnects where the stream breaks. */
  follow(batchId: string, signal?: AbortSignal): AsyncGenerator<JobEvent> {
    const last = new Set(["batch.completed"]);
    return followStream(this.transport, `/batches/${batchId}/events`, last, signal);
  }

  /** The batch when every job is over, however it ended; `timeout` in milliseconds. */
  async wait(
    batchId: string,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<Batch> {
    const end = Date.now() + (options.timeout ?? 3_600_000);
    for (let length = 200; ; length = Math.min(length * 1.5, 5000)) {
      const batch = await this.get(batchId, options.signal);
      if (batch.finished_at !== null) return batch;
      if (Date.now() >= end) throw new WaitTimedOut(`batch ${batchId} is not over; it goes on`);
      await pause(Math.min(length, Math.max(end - Date.now(), 50)), options.signal);
    }
  }
}
