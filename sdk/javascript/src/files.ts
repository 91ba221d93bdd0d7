/** Files: upload, list, download, delete. */

import type { FileFacts, Page } from "./models.js";
import type { Transport } from "./transport.js";

/** The resource `/files`. */
export class Files {
  constructor(private readonly transport: Transport) {}

  /** Upload a picture: a Blob or File, or bytes. */
  async upload(content: Blob | Uint8Array, name = "upload.png"): Promise<FileFacts> {
    const form = new FormData();
    const blob = content instanceof Blob ? content : new Blob([content as Uint8Array<ArrayBuffer>]);
    form.set("file", blob, name);
    return this.transport.request("POST", "/files", { body: form });
  }

  /** A file's facts and a fresh link. */
  async get(fileId: string): Promise<FileFacts> {
    return this.transport.request("GET", `/files/${fileId}`);
  }

  /** One page of files, newest first. */
  async list(query: { limit?: number; cursor?: string | null } = {}): Promise<Page<FileFacts>> {
    type Body = { files: FileFacts[]; next_cursor: string | null };
    const body = await this.transport.request<Body>("GET", "/files", { query });
    return { items: body.files, nextCursor: body.next_cursor };
  }

  /** Delete a file for good. */
  async delete(fileId: string): Promise<void> {
    await this.transport.request("DELETE", `/files/${fileId}`);
  }

  /** A file's bytes, as an answer that can be streamed. */
  async download(fileId: string): Promise<Response> {
    return this.transport.send("GET", `/files/${fileId}/content`);
  }
}
