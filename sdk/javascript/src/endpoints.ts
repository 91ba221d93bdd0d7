/** Webhook endpoints, their secrets, their deliveries, and replays. */

import type { Page } from "./models.js";
import type {
  Delivery,
  DeliveryDetail,
  DeliveryList,
  Endpoint,
  EndpointChange,
  EndpointCreated,
  EndpointList,
  EndpointRequest,
  Replay,
  ReplayRequest,
  Secret,
  SecretList,
} from "./schema.js";
import type { Transport } from "./transport.js";

type NewEndpoint = Partial<EndpointRequest> & Pick<EndpointRequest, "url">;
type Span = Partial<ReplayRequest> & Pick<ReplayRequest, "since">;
type Overlap = { overlap_hours?: number };

/** The resources below `/webhooks`; `verifyWebhook` checks what arrives. */
export class Webhooks {
  constructor(private readonly transport: Transport) {}

  /** Have events sent to an address; `secret` signs them. */
  async createEndpoint(request: NewEndpoint): Promise<EndpointCreated> {
    return this.transport.request("POST", "/webhooks/endpoints", { json: request });
  }

  /** Every endpoint. */
  async listEndpoints(): Promise<Endpoint[]> {
    return (await this.transport.request<EndpointList>("GET", "/webhooks/endpoints")).endpoints;
  }

  /** One endpoint. */
  async getEndpoint(endpointId: string): Promise<Endpoint> {
    return this.transport.request("GET", `/webhooks/endpoints/${endpointId}`);
  }

  /** Change the address, the description, the events, or whether it is enabled. */
  async changeEndpoint(endpointId: string, changes: Partial<EndpointChange>): Promise<Endpoint> {
    return this.transport.request("PATCH", `/webhooks/endpoints/${endpointId}`, { json: changes });
  }

  /** Delete an endpoint; what still waits for it is dropped. */
  async deleteEndpoint(endpointId: string): Promise<void> {
    await this.transport.request("DELETE", `/webhooks/endpoints/${endpointId}`);
  }

  /** The secrets that sign now: one, or two while one is replaced. */
  async getEndpointSecrets(endpointId: string): Promise<Secret[]> {
    return this.readSecrets("GET", `/webhooks/endpoints/${endpointId}/secret`);
  }

  /** Replace the secret; both sign until the overlap is over. */
  async rotateEndpointSecret(endpointId: string, request: Overlap = {}): Promise<Secret[]> {
    return this.readSecrets("POST", `/webhooks/endpoints/${endpointId}/rotate-secret`, request);
  }

  /** The secrets that sign what goes to a job's own `webhook_url`. */
  async getSecrets(): Promise<Secret[]> {
    return this.readSecrets("GET", "/webhooks/secret");
  }

  /** Replace the secret of jobs' own `webhook_url`. */
  async rotateSecret(request: Overlap = {}): Promise<Secret[]> {
    return this.readSecrets("POST", "/webhooks/secret/rotate", request);
  }

  /** Send a test event. */
  async testEndpoint(endpointId: string): Promise<Delivery> {
    return this.transport.request("POST", `/webhooks/endpoints/${endpointId}/test`);
  }

  /** One page of the delivery log, of one endpoint or of all. */
  async listDeliveries(
    query: { endpointId?: string; status?: string; limit?: number; cursor?: string | null } = {},
  ): Promise<Page<Delivery>> {
    const { endpointId, ...rest } = query;
    const path =
      endpointId === undefined
        ? "/webhooks/deliveries"
        : `/webhooks/endpoints/${endpointId}/deliveries`;
    const body = await this.transport.request<DeliveryList>("GET", path, { query: rest });
    return { items: body.deliveries, nextCursor: body.next_cursor };
  }

  /** A delivery with its body and every attempt. */
  async getDelivery(deliveryId: string): Promise<DeliveryDetail> {
    return this.transport.request("GET", `/webhooks/deliveries/${deliveryId}`);
  }

  /** Send an event again. */
  async replayDelivery(deliveryId: string): Promise<Delivery> {
    return this.transport.request("POST", `/webhooks/deliveries/${deliveryId}/replay`);
  }

  /** Send again what happened in a span of time. */
  async replay(endpointId: string, span: Span): Promise<Replay> {
    const path = `/webhooks/endpoints/${endpointId}/replay`;
    return this.transport.request("POST", path, { json: span });
  }

  private async readSecrets(method: string, path: string, json?: Overlap): Promise<Secret[]> {
    const options = json === undefined ? {} : { json };
    return (await this.transport.request<SecretList>(method, path, options)).secrets;
  }
}
