/** The client: a key, an address, and a resource for every part of the API. */

import { Keys, Spending } from "./account.js";
import { Batches } from "./batches.js";
import { Webhooks } from "./endpoints.js";
import { Files } from "./files.js";
import {
  checkSucceeded,
  type JobRequest,
  Jobs,
  type PictureParameters,
  type SubmitOptions,
  type UpscaleParameters,
} from "./jobs.js";
import { isOver } from "./models.js";
import { Offers } from "./offers.js";
import type { Estimate, Job } from "./schema.js";
import { Transport } from "./transport.js";
import { Workflows } from "./workflows.js";

/** How a client is made. In a browser use a client token, never a secret key. */
export interface ClientOptions {
  apiKey?: string;
  baseUrl?: string;
  mostRetries?: number;
  firstPause?: number;
  fetch?: typeof fetch;
}

/** What a call that waits may carry; `timeout` in milliseconds. */
export type WaitOptions = SubmitOptions & { timeout?: number };

const LONGEST_HOLD = 60_000;

/** A client of one Comfyhouse. */
export class Client {
  readonly jobs: Jobs;
  readonly batches: Batches;
  readonly files: Files;
  readonly workflows: Workflows;
  readonly webhooks: Webhooks;
  readonly usage: Spending;
  readonly keys: Keys;
  readonly offers: Offers;
  private readonly transport: Transport;

  constructor(options: ClientOptions = {}) {
    const environment = globalThis.process?.env ?? {};
    this.transport = new Transport({
      baseUrl: options.baseUrl ?? environment["COMFYHOUSE_URL"] ?? "http://127.0.0.1:8000",
      apiKey: options.apiKey ?? environment["COMFYHOUSE_API_KEY"],
      mostRetries: options.mostRetries ?? 4,
      firstPause: options.firstPause ?? 500,
      fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    });
    this.jobs = new Jobs(this.transport);
    this.batches = new Batches(this.transport);
    this.files = new Files(this.transport);
    this.workflows = new Workflows(this.transport);
    this.webhooks = new Webhooks(this.transport);
    this.usage = new Spending(this.transport);
    this.keys = new Keys(this.transport);
    this.offers = new Offers(this.transport);
  }

  /**
   * Make a picture and wait for it. Throws JobFailed where it ends without one, WaitTimedOut
   * after `timeout` milliseconds (the job goes on: look at it with `jobs.get`).
   */
  async generate(
    prompt: string,
    parameters: PictureParameters = {},
    options: WaitOptions = {},
  ): Promise<Job> {
    return this.make("/generate", { prompt, ...parameters }, options);
  }

  /** Enlarge a picture (a file id, https URL or data URI) 2 or 4 times; see `generate`. */
  async upscale(
    image: string,
    parameters: UpscaleParameters = {},
    options: WaitOptions = {},
  ): Promise<Job> {
    return this.make("/upscale", { image, ...parameters }, options);
  }

  /** Units, price and wait of a request, as `jobs.submit` takes it; costs nothing. */
  async estimate(request: JobRequest | ({ image: string } & UpscaleParameters)): Promise<Estimate> {
    return this.transport.request("POST", "/estimate", { json: request });
  }

  private async make(path: string, json: unknown, options: WaitOptions): Promise<Job> {
    const { timeout = 600_000, ...rest } = options;
    const held = Math.min(timeout, LONGEST_HOLD);
    const job = await this.transport.request<Job>("POST", path, {
      json,
      isKeyed: true,
      headers: { Prefer: `wait=${Math.floor(held / 1000)}` },
      ...rest,
    });
    if (isOver(job.status)) return checkSucceeded(job);
    return this.jobs.wait(job.job_id, { ...rest, timeout: Math.max(timeout - held, 1000) });
  }
}
