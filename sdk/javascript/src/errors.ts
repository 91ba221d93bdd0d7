/** What can go wrong, as classes. The server's `code` is permanent; branch on it or on the class. */

/** One thing that is wrong, and where. */
export interface FieldError {
  detail: string;
  pointer?: string;
  node_id?: string;
  class_type?: string;
  allowed?: string[];
}

/** A problem document (RFC 9457). */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  retryable?: boolean;
  errors?: FieldError[];
  job_id?: string;
}

/** Anything this library throws. */
export class ComfyhouseError extends Error {
  constructor(message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The server was not reached, or the connection broke; the request was retried before. */
export class ConnectionFailed extends ComfyhouseError {}

/** A webhook's signature does not fit: do not trust its content. */
export class SignatureInvalid extends ComfyhouseError {}

/** A job was still going on when the time you gave was over; it goes on. */
export class WaitTimedOut extends ComfyhouseError {}

/** The server answered with a problem document. */
export class ApiError extends ComfyhouseError {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldError[];
  readonly retryable: boolean;
  readonly jobId: string | null;

  constructor(
    readonly status: number,
    readonly problem: Problem,
    /** Seconds to wait, where the server says so. */
    readonly retryAfter: number | null = null,
  ) {
    super(describe(status, problem));
    this.code = problem.code ?? `http_${status}`;
    this.title = problem.title ?? "";
    this.detail = problem.detail ?? "";
    this.errors = problem.errors ?? [];
    this.retryable = problem.retryable ?? false;
    this.jobId = problem.job_id ?? null;
  }
}

/** What was sent cannot be accepted; `errors` says what and where. */
export class InvalidRequest extends ApiError {}
/** No key, or none that is valid. */
export class AuthenticationFailed extends ApiError {}
/** The key, the plan or the account does not allow it. */
export class PermissionDenied extends ApiError {}
/** Nothing of yours has this id. */
export class NotFound extends ApiError {}
/** It exists already, or is in the wrong state. */
export class Conflict extends ApiError {}
/** The idempotency key belongs to another request. */
export class IdempotencyConflict extends Conflict {}
/** A limit was reached; `retryAfter` says when to come back, where that helps. */
export class LimitReached extends ApiError {}
/** The plan's images are used up. */
export class QuotaExceeded extends LimitReached {}
/** The cap that you have set on your own spending is reached. */
export class SpendCapReached extends LimitReached {}
/** A part of the house is down for a moment; the request was retried before. */
export class ServerUnavailable extends ApiError {}
/** The server, or the ComfyUI behind it, failed. */
export class ServerFailed extends ApiError {}
/** The job ended without a result. You are not charged. */
export class JobFailed extends ApiError {}

type Kind = new (status: number, problem: Problem, retryAfter?: number | null) => ApiError;

const BY_CODE: Record<string, Kind> = {
  idempotency_conflict: IdempotencyConflict,
  quota_exceeded: QuotaExceeded,
  spend_cap_reached: SpendCapReached,
};

const BY_STATUS: Record<number, Kind> = {
  400: InvalidRequest,
  401: AuthenticationFailed,
  403: PermissionDenied,
  404: NotFound,
  409: Conflict,
  413: InvalidRequest,
  415: InvalidRequest,
  422: InvalidRequest,
  429: LimitReached,
  503: ServerUnavailable,
};

/** The error of an answer, by its code, else by its status. */
export function makeError(
  status: number,
  problem: Problem,
  retryAfter: number | null = null,
): ApiError {
  // A 503 with a job says that the accepted job goes on.
  if (problem.job_id !== undefined && status !== 503) return new JobFailed(status, problem);
  const fallback = status >= 500 ? ServerFailed : InvalidRequest;
  const kind = BY_CODE[problem.code ?? ""] ?? BY_STATUS[status] ?? fallback;
  return new kind(status, problem, retryAfter);
}

function describe(status: number, problem: Problem): string {
  const head = `${problem.title ?? "The request failed"} (${problem.code ?? status})`;
  const lines = (problem.errors ?? []).map((error) => {
    const where = error.pointer ?? error.node_id;
    return where === undefined ? `  ${error.detail}` : `  ${where}: ${error.detail}`;
  });
  return [problem.detail ? `${head}: ${problem.detail}` : head, ...lines].join("\n");
}
