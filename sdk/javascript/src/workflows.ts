/** Registered workflows: a graph with typed inputs, under a name of your own. */

import type { SubmitOptions } from "./jobs.js";
import type { Page } from "./models.js";
import type {
  Job,
  Workflow,
  WorkflowDefinition,
  WorkflowList,
  WorkflowRun,
  WorkflowSummary,
} from "./schema.js";
import type { Transport } from "./transport.js";

type Definition = Partial<WorkflowDefinition> & Pick<WorkflowDefinition, "workflow">;

/** The resource `/workflows`. */
export class Workflows {
  constructor(private readonly transport: Transport) {}

  /** Register a graph with its inputs; a changed one becomes the next version. */
  async register(name: string, definition: Definition): Promise<Workflow> {
    return this.transport.request("PUT", `/workflows/${name}`, { json: definition });
  }

  /** A workflow, the newest version where none is named. */
  async get(name: string, version?: number): Promise<Workflow> {
    return this.transport.request("GET", `/workflows/${name}`, { query: { version } });
  }

  /** One page of workflows. */
  async list(
    query: { limit?: number; cursor?: string | null } = {},
  ): Promise<Page<WorkflowSummary>> {
    const body = await this.transport.request<WorkflowList>("GET", "/workflows", { query });
    return { items: body.workflows, nextCursor: body.next_cursor };
  }

  /** Delete a workflow with all its versions; its jobs stay. */
  async delete(name: string): Promise<void> {
    await this.transport.request("DELETE", `/workflows/${name}`);
  }

  /** The JSON Schema of its inputs. */
  async getSchema(name: string, version?: number): Promise<Record<string, unknown>> {
    return this.transport.request("GET", `/workflows/${name}/schema`, { query: { version } });
  }

  /** An OpenAPI document of its own. */
  async getOpenapi(name: string, version?: number): Promise<Record<string, unknown>> {
    const query = { version };
    return this.transport.request("GET", `/workflows/${name}/openapi.json`, { query });
  }

  /** Submit a job with these inputs and return at once. */
  async run(
    name: string,
    inputs: Record<string, unknown>,
    options: SubmitOptions & { version?: number } & Partial<Omit<WorkflowRun, "inputs">> = {},
  ): Promise<Job> {
    const { idempotencyKey, signal, version, ...rest } = options;
    return this.transport.request("POST", `/workflows/${name}/jobs`, {
      json: { inputs, ...rest },
      query: { version },
      isKeyed: true,
      idempotencyKey,
      signal,
    });
  }
}
