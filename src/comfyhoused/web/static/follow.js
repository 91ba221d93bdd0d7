// Following a job: server-sent events until it is over, through lost connections.

const OVER = ["job.succeeded", "job.failed", "job.canceled", "job.expired"];
const LIVE = ["job.queued", "job.running", "job.progress", "job.preview"];
const LONGEST_PAUSE_MS = 8000;

/**
 * Call `on(type, data)` for everything that happens to a job. Resolves with the last type.
 * The browser resumes after a short break by itself; after a refusal we begin again.
 */
export function followJob(jobId, on) {
  return new Promise((resolve) => {
    let pause = 500;
    const open = () => {
      const source = new EventSource(`/page/jobs/${jobId}/events`);
      const hear = (event) => {
        pause = 500;
        on(event.type, JSON.parse(event.data));
        if (!OVER.includes(event.type)) return;
        source.close();
        resolve(event.type);
      };
      for (const type of [...LIVE, ...OVER]) source.addEventListener(type, hear);
      source.addEventListener("error", () => {
        on("connection.lost", {});
        if (source.readyState !== EventSource.CLOSED) return;
        setTimeout(open, pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      });
    };
    open();
  });
}
