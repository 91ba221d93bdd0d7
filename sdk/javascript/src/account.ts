/** The account: who it is, what it used, what it may spend, and its keys. */

import type {
  Account,
  ClientToken,
  ClientTokenRequest,
  Key,
  KeyList,
  NewKey,
  NewKeyRequest,
  SpendCap,
  Usage,
} from "./schema.js";
import type { Transport } from "./transport.js";

/** The resources `/usage` and `/spend-cap`. */
export class Spending {
  constructor(private readonly transport: Transport) {}

  /** A month's usage (`2026-11`; default: this one), by day, key and template. */
  async get(period?: string): Promise<Usage> {
    return this.transport.request("GET", "/usage", { query: { period } });
  }

  /** A month's ledger, `jsonl` or `csv`, as an answer that can be streamed. */
  async readLedger(query: { period?: string; format?: "jsonl" | "csv" } = {}): Promise<Response> {
    return this.transport.send("GET", "/usage/ledger", { query });
  }

  /** What this account may spend in a month beyond its plan. */
  async getSpendCap(): Promise<SpendCap> {
    return this.transport.request("GET", "/spend-cap");
  }

  /** Set the cap in US dollars (`"12.50"`); null takes it away. */
  async setSpendCap(dollars: string | number | null): Promise<SpendCap> {
    return this.transport.request("PUT", "/spend-cap", { json: { spend_cap_usd: dollars } });
  }
}

/** The resources `/account`, `/keys` and `/client-tokens`. */
export class Keys {
  constructor(private readonly transport: Transport) {}

  /** The account of this key, its plan and the key itself. */
  async getAccount(): Promise<Account> {
    return this.transport.request("GET", "/account");
  }

  /** Make a key; its `secret` is shown this once. */
  async create(request: Partial<NewKeyRequest> = {}): Promise<NewKey> {
    return this.transport.request("POST", "/keys", { json: request });
  }

  /** The account's keys, newest first. */
  async list(): Promise<Key[]> {
    return (await this.transport.request<KeyList>("GET", "/keys")).keys;
  }

  /** A key; its secret cannot be had again. */
  async get(keyId: string): Promise<Key> {
    return this.transport.request("GET", `/keys/${keyId}`);
  }

  /** Make a key useless from now on. */
  async revoke(keyId: string): Promise<void> {
    await this.transport.request("DELETE", `/keys/${keyId}`);
  }

  /** Make a key's successor; the old one works until the overlap is over. */
  async rotate(keyId: string, request: { overlap_hours?: number } = {}): Promise<NewKey> {
    return this.transport.request("POST", `/keys/${keyId}/rotate`, { json: request });
  }

  /** Make a short-lived token for a browser. */
  async createClientToken(request: Partial<ClientTokenRequest> = {}): Promise<ClientToken> {
    return this.transport.request("POST", "/client-tokens", { json: request });
  }
}
