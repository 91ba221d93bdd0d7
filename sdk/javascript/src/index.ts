/** Comfyhouse: pictures from ComfyUI servers in one call. */

export * from "./client.js";
export * from "./errors.js";
export { Files } from "./files.js";
export {
  Jobs,
  type JobRequest,
  type PictureParameters,
  type SubmitOptions,
  type UpscaleParameters,
} from "./jobs.js";
export * from "./models.js";
export { OPERATIONS } from "./operations.js";
export type * from "./schema.js";
export { VERSION } from "./version.js";
