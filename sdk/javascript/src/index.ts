/** Comfyhouse: pictures from ComfyUI servers in one call. */

export * from "./client.js";
export * from "./errors.js";
export { Files } from "./files.js";
export { Jobs, type JobRequest, type SubmitOptions } from "./jobs.js";
export * from "./models.js";
export { VERSION } from "./version.js";
