/** What is not in the API's document: events, pages, and what a status means. */

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

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "expired"]);

/** Whether a status will not change any more. */
export function isOver(status: string): boolean {
  return TERMINAL.has(status);
}
