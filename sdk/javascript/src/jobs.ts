/** Jobs: submit, look, list, follow, wait, cancel, erase. */

import { makeError, WaitTimedOut } from "./errors.js";
import { isOver, type JobEvent, type Page } from "./models.js";
import type { GenerateRequest, Job, JobList, UpscaleRequest, WorkflowRequest } from "./schema.js";
import { followStream } from "./sse.js";
import { pause, type Transport } from "./transport.js";

/** What a submission may carry beside its parameters. */
export interface SubmitOptions {
  idempotencyKey?: string;
  signal?: AbortSignal;
}

/** Parameters of a picture, as POST /generate takes them. */
export type PictureParameters = Partial<Omit<GenerateRequest, "prompt">>;

/** Parameters of an enlargement, as POST /upscale takes them. */
export type UpscaleParameters = Partial<Omit<UpscaleRequest, "image">>;

/** A picture by its prompt, or a ComfyUI graph in API format. */
export type JobRequest =
  | ({ prompt: string } & PictureParameters)
  | (Partial<WorkflowRequest> & Pick<WorkflowRequest, "workflow">);

const LAST_EVENTS = new Set(["job.succeeded", "job.failed", "job.canceled", "job.expired"]);

/** The resource `/jobs`. */
export class Jobs {
  constructor(private readonly transport: Transport) {}

  /** Submit and return at once. */
  async submit(request: JobRequest, options: SubmitOptions = {}): Promise<Job> {
    return this.transport.request("POST", "/jobs", { json: request, isKeyed: true, ...options });
  }

  /** A job; its links are fresh. */
  async get(jobId: string, signal?: AbortSignal): Promise<Job> {
    return this.transport.request("GET", `/jobs/${jobId}`, { signal });
  }

  /** One page of jobs, newest first. */
  async list(
    query: { limit?: number; cursor?: string | null; status?: string } = {},
  ): Promise<Page<Job>> {
    const body = await this.transport.request<JobList>("GET", "/jobs", { query });
    return { items: body.jobs, nextCursor: body.next_cursor };
  }

  /** Every job, newest first, page by page. */
  async *listAll(query: { status?: string } = {}): AsyncGenerator<Job> {
    let cursor: string | null = null;
    do {
      const page: Page<Job> = await this.list({ ...query, limit: 100, cursor });
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  /** Cancel a job; harmless where it is over. It costs nothing. */
  async cancel(jobId: string): Promise<Job> {
    return this.transport.request("POST", `/jobs/${jobId}/cancel`);
  }

  /** Erase a job, its prompt and its outputs for good. */
  async erase(jobId: string): Promise<void> {
    await this.transport.request("DELETE", `/jobs/${jobId}`);
  }

  /**
   * What happens to a job until it is over; reconnects where the stream breaks. After a
   * reconnection nothing is missed or told twice, but for previews and progress.
   */
  follow(jobId: string, signal?: AbortSignal): AsyncGenerator<JobEvent> {
    return followStream(this.transport, `/jobs/${jobId}/events`, LAST_EVENTS, signal);
  }

  /** The job when it has succeeded; throws JobFailed where it ended otherwise. */
  async wait(
    jobId: string,
    options: { timeout?: number; signal?: AbortSignal } = {},
  ): Promise<Job> {
    const end = Date.now() + (options.timeout ?? 600_000);
    for (let length = 100; ; length = Math.min(length * 1.5, 2000)) {
      const job = await this.get(jobId, options.signal);
      if (isOver(job.status)) return checkSucceeded(job);
      if (Date.now() >= end) {
        throw new WaitTimedOut(`job ${jobId} is still ${job.status}; it goes on`);
      }
      await pause(Math.min(length, Math.max(end - Date.now(), 50)), options.signal);
    }
  }
}

/** The job where it has succeeded; throws JobFailed where it ended otherwise. */
export function checkSucceeded(job: Job): Job {
  if (job.status === "succeeded") return job;
  const problem = job.error ?? { code: `job_${job.status}`, title: `The job is ${job.status}` };
  const status = typeof problem["status"] === "number" ? problem["status"] : 409;
  throw makeError(status === 503 ? 502 : status, { ...problem, job_id: job.job_id });
}
