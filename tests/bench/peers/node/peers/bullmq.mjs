// BullMQ with a sandboxed processor: producer and worker in the host, jobs in processes that the worker forks.

import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

import { Queue, QueueEvents, Worker } from "bullmq";
import { Redis } from "ioredis";

const PROCESSOR = fileURLToPath(new URL("bullmq-processor.cjs", import.meta.url));

class BullMq {
  cannotCancel =
    "worker.cancelJob() sends the process a message, which a busy loop never reads; nothing kills the process of one job";
  // A submit is a round trip to Redis: so many of them take seconds, and say as much as more.
  mostQueued = 30_000;
  #queue;
  #events;
  #worker;
  #redis;

  constructor(workers) {
    const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };
    const name = randomUUID();
    this.#queue = new Queue(name, { connection });
    this.#events = new QueueEvents(name, { connection });
    this.#events.setMaxListeners(0);
    this.#queue.setMaxListeners(0);
    this.#worker = new Worker(name, PROCESSOR, { connection, concurrency: workers });
    this.#redis = new Redis(connection);
  }

  async ready() {
    await Promise.all([this.#events.waitUntilReady(), this.#worker.waitUntilReady()]);
  }

  submit(job, argument) {
    return this.#queue.add(job, argument);
  }

  result(job) {
    return job.waitUntilFinished(this.#events);
  }

  // As BullMQ's documentation has it for many jobs: added in one go, and heard of as events.
  async together(job, argument, count) {
    let left = count;
    const done = new Promise((resolve, reject) => {
      this.#worker.on("completed", () => --left === 0 && resolve());
      this.#worker.on("failed", (_, error) => reject(error));
    });
    await this.#queue.addBulk(Array.from({ length: count }, () => ({ name: job, data: argument })));
    await done;
    this.#worker.removeAllListeners("completed").removeAllListeners("failed");
  }

  // Text, since Redis gets jobs as JSON. It is ASCII, which is kind to JSON.
  large(bytes) {
    return "Z".repeat(bytes);
  }

  // What Redis holds.
  async foreignBytes() {
    return Number(/used_memory:(\d+)/.exec(await this.#redis.info("memory"))[1]);
  }
}

export async function open(workers) {
  const peer = new BullMq(workers);
  await peer.ready();
  return peer;
}
