/** What the server answers. A newer server may add fields. */

export type JobStatus = "queued" | "running" | "succeeded" | "failed" | "canceled" | "expired";

/** A picture. `url` is signed and valid for a limited time; null once the file has expired. */
export interface Image {
  url: string | null;
  seed: number | null;
  width: number | null;
  height: number | null;
  content_type: string;
  size_bytes: number;
  hash: string;
}

/** An output of any kind, by the node that made it. */
export interface Output {
  node_id: string;
  kind: string;
  file_id: string;
  url: string | null;
  content_type: string;
  size_bytes: number;
  hash: string;
}

/** One unit of work. Instants are ISO 8601. */
export interface Job {
  job_id: string;
  status: JobStatus;
  kind: string;
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
  timings: {
    queued_seconds: number | null;
    run_seconds: number | null;
    total_seconds: number | null;
  };
  cost: { images_used: number; quota_remaining: number | null };
  engine: "sandbox" | "comfyui" | null;
  parameters: Record<string, unknown>;
  metadata: Record<string, string>;
}

/** Bytes that the house keeps. */
export interface FileFacts {
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
}

/** One step of a job: `job.queued`, `job.running`, `job.progress`, `job.succeeded`, … */
export interface JobEvent {
  type: string;
  id: string | null;
  data: Record<string, unknown>;
}

/** Some items, newest first; a null cursor: there is no more. */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** Parameters of a picture, as POST /generate takes them. */
export interface PictureParameters {
  negative_prompt?: string;
  width?: number;
  height?: number;
  steps?: number;
  cfg_scale?: number;
  sampler_name?: string;
  scheduler?: string;
  seed?: number | null;
  num_images?: number;
  model?: string;
  loras?: { name: string; strength?: number }[];
  init_image?: string;
  mask_image?: string;
  strength?: number;
  controlnet_type?: string;
  control_image?: string;
  controlnet_strength?: number;
  output_format?: "png" | "jpeg" | "webp";
  quality?: number;
  watermark?: boolean | string;
  webhook_url?: string;
  priority?: number;
  timeout_seconds?: number;
  expires_in_seconds?: number;
  metadata?: Record<string, string>;
}

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "expired"]);

/** Whether a status will not change any more. */
export function isOver(status: string): boolean {
  return TERMINAL.has(status);
}
