/** What the house offers: models, samplers, templates; and how it is. */

import { ServerUnavailable } from "./errors.js";
import type {
  Health,
  ModelList,
  Readiness,
  SamplerList,
  Template,
  TemplateDetail,
  TemplateList,
} from "./schema.js";
import type { Transport } from "./transport.js";

/** The resources `/models`, `/samplers`, `/templates`, `/health`, `/ready`, `/metrics`. */
export class Offers {
  constructor(private readonly transport: Transport) {}

  /** The model files of the servers, with family and licence. */
  async listModels(): Promise<ModelList> {
    return this.transport.request("GET", "/models");
  }

  /** The samplers and schedulers of the servers. */
  async listSamplers(): Promise<SamplerList> {
    return this.transport.request("GET", "/samplers");
  }

  /** Every way to make a picture, and whether it is offered now. */
  async listTemplates(): Promise<Template[]> {
    return (await this.transport.request<TemplateList>("GET", "/templates")).templates;
  }

  /** One way to make a picture with its inputs as JSON Schema. */
  async getTemplate(name: string): Promise<TemplateDetail> {
    return this.transport.request("GET", `/templates/${name}`);
  }

  /** Whether the process answers. */
  async getHealth(): Promise<Health> {
    return this.transport.request("GET", "/health");
  }

  /** How the parts of the house are; also where it is down. */
  async getReadiness(): Promise<Readiness> {
    try {
      return await this.transport.request("GET", "/ready");
    } catch (error) {
      if (error instanceof ServerUnavailable && "backends" in error.problem) {
        return error.problem as unknown as Readiness;
      }
      throw error;
    }
  }

  /** The metrics in Prometheus' text format. */
  async getMetrics(): Promise<string> {
    return (await this.transport.send("GET", "/metrics")).text();
  }
}
