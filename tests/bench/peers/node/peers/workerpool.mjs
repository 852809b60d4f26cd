// workerpool with processes, which alone can be killed: its default would be threads.

import { fileURLToPath } from "node:url";

import workerpool from "workerpool";

const WORKER = fileURLToPath(new URL("workerpool-worker.cjs", import.meta.url));

class Workerpool {
  cannotCancel = undefined;
  mostQueued = Infinity;
  #pool;

  // Node.js sends small messages faster as JSON, and large ones several times faster as bytes.
  constructor(workers, { loadMs, isForLarge }) {
    const env = { ...process.env, ...(loadMs && { PEER_LOAD_MS: String(loadMs) }) };
    this.#pool = workerpool.pool(WORKER, {
      workerType: "process",
      minWorkers: workers,
      maxWorkers: workers,
      forkOpts: { env, serialization: isForLarge ? "advanced" : "json" },
    });
  }

  submit(job, argument) {
    const result = this.#pool.exec(job, [argument]);
    result.catch(() => {}); // whoever waits for it hears of it
    return { result };
  }

  result(job) {
    return job.result;
  }

  async together(job, argument, count) {
    const results = Array.from({ length: count }, () => this.#pool.exec(job, [argument]));
    await Promise.all(results);
  }

  large(bytes) {
    return Buffer.alloc(bytes, "Z");
  }

  cancel(job) {
    job.result.cancel();
  }

  async foreignBytes() {
    return undefined;
  }
}

export async function open(workers, needs) {
  return new Workerpool(workers, needs);
}
