// Following a job: server-sent events until it is over, through lost connections.

const OVER = ["job.succeeded", "job.failed", "job.canceled", "job.expired"];
const LIVE = ["job.queued", "job.running", "job.progress", "job.preview"];
const LONGEST_PAUSE_MS = 8000;

/** The problem of a job that was erased meanwhile. */
export const JOB_GONE = { title: "The job is gone", detail: "It was erased meanwhile.", errors: [] };

/** Tell whether a job cannot be seen any more: it was erased meanwhile. */
async function isGone(base, jobId) {
  try {
    return (await fetch(`${base}/jobs/${jobId}/print`)).status === 404;
  } catch {
    return false;
  }
}

/**
 * Call `on(type, data)` for everything that happens to a job below `base`. Resolves with the last type,
 * rejects with a problem when the job is gone. The browser resumes after a short break by
 * itself; after a refusal we begin again.
 */
export function followJob(jobId, on, base = "/page") {
  return new Promise((resolve, reject) => {
    let pause = 500;
    const open = () => {
      const source = new EventSource(`${base}/jobs/${jobId}/events`);
      const hear = (event) => {
        pause = 500;
        on(event.type, JSON.parse(event.data));
        if (!OVER.includes(event.type)) return;
        source.close();
        resolve(event.type);
      };
      for (const type of [...LIVE, ...OVER]) source.addEventListener(type, hear);
      source.addEventListener("error", async () => {
        on("connection.lost", {});
        if (source.readyState !== EventSource.CLOSED) return;
        if (await isGone(base, jobId)) {
          reject(JOB_GONE);
          return;
        }
        setTimeout(open, pause);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      });
    };
    open();
  });
}
