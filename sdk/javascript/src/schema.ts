// Written from the OpenAPI document by `make docs`: change the server's schemas.
/** What the server takes and answers, field for field; instants are ISO 8601. */

/** The plan of the account. */
export interface AccountPlan {
  name: string;
  title: string;
}

/** Who you are here, and with which key. */
export interface Account {
  account_id: string;
  email: string | null;
  plan: AccountPlan;
  created_at: string;
  spend_cap_cents: number | null;
  stopped_reason: string | null;
  mode: "live" | "test";
  key: Key;
}

/** One try. */
export interface Attempt {
  number: number;
  at: string;
  status: number | null;
  error_code: string | null;
  detail: string | null;
  duration_seconds: number;
  answer: string;
}

/** One ComfyUI server, as a worker last saw it. */
export interface BackendReadiness {
  id: string;
  state: "ready" | "unreachable" | "stuck";
  version: string;
  modes: ("live" | "test")[];
  guarantee: "fence" | "lease";
}

/** How many jobs are in each state; `erased` ones are gone. */
export interface BatchCounts {
  queued?: number;
  running?: number;
  succeeded?: number;
  failed?: number;
  canceled?: number;
  expired?: number;
  erased?: number;
}

/** A page of batches, newest first. */
export interface BatchList {
  batches: Batch[];
  next_cursor: string | null;
}

/** Many jobs: `jobs`, or `template` and `inputs`: one body, and for each job what differs. */
export interface BatchRequest {
  jobs?: (WorkflowRequest | UpscaleRequest | GenerateRequest)[] | null;
  template?: Record<string, unknown> | null;
  inputs?: (Record<string, unknown>)[] | null;
  metadata?: Record<string, string>;
  webhook_url?: string | null;
}

/** A batch. */
export interface Batch {
  batch_id: string;
  status: "running" | "completed";
  created_at: string;
  finished_at: string | null;
  total: number;
  counts: BatchCounts;
  units: BatchUnits;
  retries: number;
  metadata: Record<string, string>;
}

/** A batch, and how many of its jobs are tried again. */
export interface BatchRetried {
  batch_id: string;
  status: "running" | "completed";
  created_at: string;
  finished_at: string | null;
  total: number;
  counts: BatchCounts;
  units: BatchUnits;
  retries: number;
  metadata: Record<string, string>;
  retried: number;
}

/** Units held for jobs that are not over, and those charged for delivered ones. */
export interface BatchUnits {
  reserved: number;
  used: number;
}

/** What a browser may do with the token, and for how long. */
export interface ClientTokenRequest {
  expires_in_seconds?: number;
  scopes?: ("jobs:write" | "jobs:read" | "files:write" | "files:read")[] | null;
  allowed_origins?: string[];
  max_jobs?: number | null;
  max_units?: number | null;
}

/** A token for a browser. */
export interface ClientToken {
  client_token: string;
  expires_at: string;
  scopes: string[];
}

/** One sort of control picture. */
export interface Control {
  type: string;
  title: string;
  offered: boolean;
  families: string[];
  models: string[];
  preprocessed: boolean;
}

/** What the job costs. */
export interface Cost {
  images_used: number;
  quota_remaining: number | null;
}

/** Units of jobs that were accepted on one day (UTC). */
export interface DayUsage {
  day: string;
  units: number;
}

/** A delivery with what was sent and what came back. */
export interface DeliveryDetail {
  delivery_id: string;
  event_id: string;
  type: string;
  endpoint_id: string | null;
  url: string | null;
  status: DeliveryState;
  reason: string | null;
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  ended_at: string | null;
  request_body: string | null;
  log: Attempt[];
}

/** A page of deliveries, newest first. */
export interface DeliveryList {
  deliveries: Delivery[];
  next_cursor: string | null;
}

/** One event on its way to one place. */
export interface Delivery {
  delivery_id: string;
  event_id: string;
  type: string;
  endpoint_id: string | null;
  url: string | null;
  status: DeliveryState;
  reason: string | null;
  attempts: number;
  created_at: string;
  next_attempt_at: string | null;
  ended_at: string | null;
}

/** `canceled`: the endpoint was disabled or deleted, or the subject erased. */
export type DeliveryState = "pending" | "delivered" | "failed" | "canceled";

/** What is to be changed; the rest stays. */
export interface EndpointChange {
  url?: string | null;
  description?: string | null;
  events?: ("job.succeeded" | "job.failed" | "job.canceled" | "job.expired" | "batch.completed" | "usage.threshold")[] | null;
  enabled?: boolean | null;
}

/** A new endpoint and the secret that signs for it. */
export interface EndpointCreated {
  endpoint_id: string;
  url: string;
  description: string;
  events: string[];
  enabled: boolean;
  disabled_reason: string | null;
  failing_since: string | null;
  delivered_at: string | null;
  created_at: string;
  secret: string;
}

/** All your endpoints, the oldest first. */
export interface EndpointList {
  endpoints: Endpoint[];
}

/** A place of yours that is told what happens. */
export interface EndpointRequest {
  url: string;
  description?: string;
  events?: ("job.succeeded" | "job.failed" | "job.canceled" | "job.expired" | "batch.completed" | "usage.threshold")[];
}

/** A webhook endpoint. */
export interface Endpoint {
  endpoint_id: string;
  url: string;
  description: string;
  events: string[];
  enabled: boolean;
  disabled_reason: string | null;
  failing_since: string | null;
  delivered_at: string | null;
  created_at: string;
}

/** What a request would cost now. */
export interface Estimate {
  jobs: number;
  units: number;
  included_units: number;
  overage_units: number;
  price_usd: string;
  quota_remaining: number | null;
  fits: boolean;
  wait_seconds: number | null;
  run_seconds: number | null;
  jobs_before: number;
}

/** Whether a template can paint with a family of models. */
export interface Family {
  family: string;
  title: string;
  offered: boolean;
  reason: string | null;
  models: string[];
  defaults: Record<string, unknown>;
}

/** A page of files, newest first. */
export interface FileList {
  files: File[];
  next_cursor: string | null;
}

/** A file. */
export interface File {
  file_id: string;
  purpose: "input" | "output";
  content_type: string;
  size_bytes: number;
  hash: string;
  width: number | null;
  height: number | null;
  url: string;
  job_id: string | null;
  created_at: string;
  expires_at: string | null;
}

/** A picture from words, from a picture, or from a part of one. */
export interface GenerateRequest {
  priority?: number;
  timeout_seconds?: number | null;
  expires_in_seconds?: number | null;
  webhook_url?: string | null;
  metadata?: Record<string, string>;
  output_format?: "png" | "jpeg" | "webp";
  quality?: number;
  watermark?: boolean | string;
  prompt: string;
  negative_prompt?: string;
  width?: number | null;
  height?: number | null;
  steps?: number | null;
  cfg_scale?: number | null;
  sampler_name?: string | null;
  scheduler?: string | null;
  seed?: number | null;
  num_images?: number;
  model?: string | null;
  loras?: LoraRequest[];
  init_image?: string | null;
  strength?: number;
  mask_image?: string | null;
  controlnet_type?: string | null;
  control_image?: string | null;
  controlnet_strength?: number;
  controlnet_preprocess?: boolean | null;
}

/** The process answers. */
export interface Health {
  status?: "ok";
}

/** One picture. */
export interface Image {
  url: string | null;
  expires_at: string | null;
  seed: number | null;
  width: number | null;
  height: number | null;
  content_type: string;
  size_bytes: number;
  hash: string;
}

/** An input as it stands: ranges of the nodes, defaults of the graph filled in. */
export interface Input {
  type: "text" | "integer" | "number" | "boolean" | "choice" | "model" | "seed" | "image" | "mask";
  targets: TargetSchema[];
  title: string;
  description: string;
  required: boolean;
  default: boolean | number | string | null;
  minimum: number | null;
  maximum: number | null;
  step: number | null;
  choices: (boolean | number | string)[] | null;
  max_length: number | null;
}

/** One input that whoever runs the workflow may fill in. */
export interface InputSchema {
  type: "text" | "integer" | "number" | "boolean" | "choice" | "model" | "seed" | "image" | "mask";
  node_id?: string | null;
  field?: string | null;
  targets?: TargetSchema[];
  title?: string;
  description?: string;
  required?: boolean | null;
  default?: boolean | number | string | null;
  minimum?: number | null;
  maximum?: number | null;
  step?: number | null;
  choices?: (boolean | number | string)[] | null;
  max_length?: number | null;
}

/** A page of jobs, newest first. */
export interface JobList {
  jobs: Job[];
  next_cursor: string | null;
}

/** A job. */
export interface Job {
  job_id: string;
  status: JobState;
  kind: "generate" | "upscale" | "workflow";
  canceling: boolean;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  expires_at: string;
  attempt: number;
  outputs: Output[];
  images: Image[];
  image_url: string | null;
  error: Record<string, unknown> | null;
  timings: Timings;
  cost: Cost;
  engine: "sandbox" | "comfyui" | null;
  parameters: Record<string, unknown>;
  metadata: Record<string, string>;
  batch_id: string | null;
  item: number | null;
}

/** Where a job stands. */
export type JobState = "queued" | "running" | "succeeded" | "failed" | "canceled" | "expired";

/** The keys of the account, newest first; those over for 30 days are left out. */
export interface KeyList {
  keys: Key[];
}

/** What is known of a key; its secret is shown once only, when it is made. */
export interface Key {
  key_id: string;
  name: string;
  mode: "live" | "test";
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  replaced_by: string | null;
}

/** Units of one key; an empty id: made on our pages. */
export interface KeyUsage {
  key_id: string;
  units: number;
}

/** A LoRA by name, and how strongly it acts. */
export interface LoraRequest {
  name: string;
  strength?: number;
}

/** What the servers have that this key may use, by name. */
export interface ModelList {
  checkpoints: string[];
  diffusion_models: string[];
  loras: string[];
  controlnets: string[];
  upscalers: string[];
  models: Model[];
}

/** A model file and what is known about it. */
export interface Model {
  name: string;
  kind: "checkpoint" | "diffusion_model" | "lora" | "controlnet" | "upscaler";
  family: string;
  licence: string | null;
  licence_url: string | null;
  commercial: boolean | null;
  note: string | null;
  offered: boolean;
  reason: string | null;
}

/** A key to be made. */
export interface NewKeyRequest {
  name?: string;
  mode?: "live" | "test" | null;
  scopes?: ("jobs:write" | "jobs:read" | "files:write" | "files:read" | "usage:read" | "workflows:write" | "workflows:read" | "webhooks:write" | "webhooks:read" | "keys:write" | "keys:read")[] | null;
  expires_at?: string | null;
}

/** A new key with its secret. */
export interface NewKey {
  key_id: string;
  name: string;
  mode: "live" | "test";
  scopes: string[];
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
  replaced_by: string | null;
  secret: string;
}

/** One output of any kind. */
export interface Output {
  node_id: string;
  kind: string;
  file_id: string;
  url: string | null;
  expires_at: string | null;
  content_type: string;
  size_bytes: number;
  hash: string;
}

/** What works. */
export interface Readiness {
  status: "ready" | "degraded" | "down";
  store: boolean;
  storage: boolean;
  backends: BackendReadiness[];
}

/** A stretch of time whose events are sent again. */
export interface ReplayRequest {
  since: string;
  until?: string | null;
  only_missed?: boolean;
}

/** How many events are sent again. */
export interface Replay {
  sent: number;
  complete: boolean;
}

/** How a key is replaced. */
export interface RotateKeyRequest {
  overlap_hours?: number;
}

/** How long both secrets sign. */
export interface RotateSecretRequest {
  overlap_hours?: number;
}

/** What the servers' KSampler offers. */
export interface SamplerList {
  samplers: string[];
  schedulers: string[];
}

/** What signs now, the newest first. */
export interface SecretList {
  secrets: Secret[];
}

/** A secret that signs now. */
export interface Secret {
  secret: string;
  expires_at: string | null;
}

/** The most a month may cost beyond the plan's price. */
export interface SpendCap {
  spend_cap_usd: string | null;
  cost_usd: string;
  is_effective: boolean;
}

/** A new spend cap. */
export interface SpendCapRequest {
  spend_cap_usd: number | string | null;
}

/** Where a value goes: the input `field` of a node of the graph. */
export interface TargetSchema {
  node_id: string;
  field: string;
}

/** A template with its inputs. */
export interface TemplateDetail {
  name: "text-to-image" | "image-to-image" | "inpaint" | "controlnet" | "upscale";
  title: string;
  about: string;
  operation: string;
  offered: boolean;
  reason: string | null;
  families: Family[];
  upscalers: string[];
  inputs: Record<string, unknown>;
  controls: Control[];
}

/** Every template. */
export interface TemplateList {
  templates: Template[];
}

/** A way to make a picture, and whether this house has what it takes. */
export interface Template {
  name: "text-to-image" | "image-to-image" | "inpaint" | "controlnet" | "upscale";
  title: string;
  about: string;
  operation: string;
  offered: boolean;
  reason: string | null;
  families: Family[];
  upscalers: string[];
}

/** Units of one template or registered workflow. */
export interface TemplateUsage {
  template: string;
  units: number;
}

/** Seconds; null where it has not come to that. */
export interface Timings {
  queued_seconds: number | null;
  run_seconds: number | null;
  total_seconds: number | null;
}

/** A picture to be enlarged. */
export interface UpscaleRequest {
  priority?: number;
  timeout_seconds?: number | null;
  expires_in_seconds?: number | null;
  webhook_url?: string | null;
  metadata?: Record<string, string>;
  output_format?: "png" | "jpeg" | "webp";
  quality?: number;
  watermark?: boolean | string;
  kind?: "upscale";
  image: string;
  factor?: 2 | 4;
  model?: string | null;
}

/** A month of usage. */
export interface Usage {
  period: string;
  starts_at: string;
  ends_at: string;
  plan: string;
  used: number;
  reserved: number;
  included: number;
  remaining: number;
  overage: number;
  cost_usd: string;
  plan_price_usd: string;
  spend_cap_usd: string | null;
  quota_remaining: number | null;
  jobs: number;
  by_day: DayUsage[];
  by_key: KeyUsage[];
  by_template: TemplateUsage[];
  periods: string[];
}

/** A graph and its declared inputs. */
export interface WorkflowDefinition {
  workflow: Record<string, unknown>;
  inputs?: Record<string, unknown>;
  title?: string;
  description?: string;
  max_units?: number;
  output_format?: "png" | "jpeg" | "webp" | null;
  quality?: number;
}

/** A page of registered workflows, by name. */
export interface WorkflowList {
  workflows: WorkflowSummary[];
  next_cursor: string | null;
}

/** A ComfyUI graph, or the name of a registered workflow and its inputs. */
export interface WorkflowRequest {
  priority?: number;
  timeout_seconds?: number | null;
  expires_in_seconds?: number | null;
  webhook_url?: string | null;
  metadata?: Record<string, string>;
  workflow: Record<string, unknown> | string;
  inputs?: Record<string, unknown>;
  max_units?: number | null;
  output_format?: "png" | "jpeg" | "webp" | null;
  quality?: number;
  watermark?: boolean | string;
}

/** A registered workflow with its graph, in API format. */
export interface Workflow {
  name: string;
  version: number;
  versions: number[];
  title: string;
  description: string;
  inputs: Record<string, Input>;
  max_units: number;
  output_format: "png" | "jpeg" | "webp" | null;
  quality: number;
  created_at: string;
  updated_at: string;
  warnings: string[];
  workflow: Record<string, unknown>;
}

/** Inputs of a registered workflow; `GET /workflows/{name}/schema` says which. */
export interface WorkflowRun {
  priority?: number;
  timeout_seconds?: number | null;
  expires_in_seconds?: number | null;
  webhook_url?: string | null;
  metadata?: Record<string, string>;
  inputs?: Record<string, unknown>;
  max_units?: number | null;
  output_format?: "png" | "jpeg" | "webp" | null;
  quality?: number;
  watermark?: boolean | string;
}

/** A registered workflow, in its latest version. */
export interface WorkflowSummary {
  name: string;
  version: number;
  versions: number[];
  title: string;
  description: string;
  inputs: Record<string, Input>;
  max_units: number;
  output_format: "png" | "jpeg" | "webp" | null;
  quality: number;
  created_at: string;
  updated_at: string;
  warnings: string[];
}

/** An error, as RFC 9457 has it. */
export interface ProblemDetails {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  retryable: boolean;
  errors?: FieldProblem[];
}

/** One thing that is wrong, and where. */
export interface FieldProblem {
  detail: string;
  pointer?: string | null;
  node_id?: string | null;
  class_type?: string | null;
  allowed?: string[] | null;
}
