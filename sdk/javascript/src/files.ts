/** Files: upload, list, download, delete. */

import type { Page } from "./models.js";
import type { File as HouseFile, FileList as HouseFileList } from "./schema.js";
import type { Transport } from "./transport.js";

/** The resource `/files`. */
export class Files {
  constructor(private readonly transport: Transport) {}

  /** Upload a picture: a Blob or File, or bytes. */
  async upload(content: Blob | Uint8Array, name = "upload.png"): Promise<HouseFile> {
    const form = new FormData();
    const blob = content instanceof Blob ? content : new Blob([content as Uint8Array<ArrayBuffer>]);
    form.set("file", blob, name);
    return this.transport.request("POST", "/files", { body: form });
  }

  /** A file's facts and a fresh link. */
  async get(fileId: string): Promise<HouseFile> {
    return this.transport.request("GET", `/files/${fileId}`);
  }

  /** One page of files, newest first. */
  async list(query: { limit?: number; cursor?: string | null } = {}): Promise<Page<HouseFile>> {
    const body = await this.transport.request<HouseFileList>("GET", "/files", { query });
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
