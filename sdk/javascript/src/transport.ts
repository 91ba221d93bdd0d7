/** One request and its retries. */

import { ApiError, ConnectionFailed, makeError, type Problem } from "./errors.js";
import { VERSION } from "./version.js";

/** How a client reaches its house. */
export interface TransportOptions {
  baseUrl: string;
  apiKey?: string | undefined;
  /** How often a request that may be repeated is sent again. */
  mostRetries: number;
  /** Milliseconds before the first repetition; doubled each time, with jitter. */
  firstPause: number;
  fetch: typeof fetch;
}

/** What one request needs. */
export interface RequestOptions {
  json?: unknown;
  body?: BodyInit;
  query?: Record<string, string | number | boolean | null | undefined>;
  headers?: Record<string, string>;
  /** The operation takes an idempotency key: one is made where none is given. */
  isKeyed?: boolean;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

const SAFE = new Set(["GET", "PUT", "DELETE"]);
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);
const LONGEST_PAUSE = 30_000;

/** Sends requests with the key, retries what may be retried, throws what the answer says. */
export class Transport {
  constructor(private readonly options: TransportOptions) {}

  get mostRetries(): number {
    return this.options.mostRetries;
  }

  /** The JSON of a 2xx answer, or undefined where it has no body. */
  async request<Answer>(
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Answer> {
    const response = await this.send(method, path, options);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  /** A 2xx answer whose body was not read yet. */
  async send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const [url, init] = this.prepare(method, path, options);
    const mayRetry = options.body === undefined && (options.isKeyed || SAFE.has(method));
    for (let attempt = 0; ; attempt += 1) {
      const failure = await this.attempt(url, init);
      if (failure instanceof Response) return failure;
      if (!mayRetry || attempt >= this.options.mostRetries || !isRetryable(failure)) throw failure;
      await pause(this.choosePause(attempt, failure), options.signal);
    }
  }

  /** Wait before trying again. */
  choosePause(attempt: number, failure?: Error): number {
    if (failure instanceof ApiError && failure.retryAfter !== null) {
      return Math.min(failure.retryAfter * 1000, LONGEST_PAUSE);
    }
    const longest = Math.min(this.options.firstPause * 2 ** attempt, LONGEST_PAUSE);
    return longest * (0.5 + Math.random() / 2);
  }

  private prepare(method: string, path: string, options: RequestOptions): [string, RequestInit] {
    const url = new URL(`${this.options.baseUrl.replace(/\/+$/, "")}/api/v1${path}`);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = new Headers(options.headers);
    if (this.options.apiKey) headers.set("Authorization", `Bearer ${this.options.apiKey}`);
    // Browsers do not let a page name its own agent.
    if (typeof window === "undefined") headers.set("User-Agent", `comfyhouse-js/${VERSION}`);
    if (options.isKeyed) {
      headers.set("Idempotency-Key", options.idempotencyKey ?? crypto.randomUUID());
    }
    const init: RequestInit = { method, headers };
    if (options.signal) init.signal = options.signal;
    if (options.body !== undefined) init.body = options.body;
    if (options.json !== undefined) {
      headers.set("Content-Type", "application/json");
      init.body = JSON.stringify(options.json);
    }
    return [url.href, init];
  }

  private async attempt(url: string, init: RequestInit): Promise<Response | Error> {
    try {
      const response = await this.options.fetch(url, init);
      return response.ok ? response : await readError(response);
    } catch (error) {
      if (init.signal?.aborted) throw error;
      return new ConnectionFailed(`${url} was not reached: ${String(error)}`, { cause: error });
    }
  }
}

function isRetryable(failure: Error): boolean {
  if (!(failure instanceof ApiError)) return true;
  // What the job itself met is not mended by sending the request again.
  return RETRIED.has(failure.status) && failure.retryable && failure.jobId === null;
}

async function readError(response: Response): Promise<ApiError> {
  let problem: Problem;
  try {
    problem = (await response.json()) as Problem;
  } catch {
    problem = {
      title: "The server's answer is no problem document",
      retryable: [429, 502, 503, 504].includes(response.status),
    };
  }
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return makeError(response.status, problem, Number.isNaN(seconds) ? null : seconds);
}

/** Wait so many milliseconds, or until the signal is aborted. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(finish, milliseconds);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    function finish(): void {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
