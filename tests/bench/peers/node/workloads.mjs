// The workloads W1 to W8 for a pool of Node.js.

import { setTimeout as pause } from "node:timers/promises";

import { departure } from "./departure.mjs";
import { Postbox } from "./postbox.mjs";
import { median, now, repeat, resident, spread } from "./measure.mjs";

const PAYLOAD = "Z".repeat(64);
const LOAD_MS = 500;

// Echo of 64 bytes, one at a time.
export async function w1(open, plan, emit) {
  const peer = await warm(await open(1, {}), plan);
  emit("w1", spread(await repeat(() => roundTrip(peer, PAYLOAD), plan.echoes, plan.budget_s)));
}

export const w2_1 = (open, plan, emit) => manyAtOnce(open, plan, emit, 1);
export const w2_2 = (open, plan, emit) => manyAtOnce(open, plan, emit, 2);

// Many echoes of 64 bytes at once, each a job of its own.
async function manyAtOnce(open, plan, emit, workers) {
  const peer = await warm(await open(workers, {}), plan);
  const together = async () => {
    const start = now();
    await peer.together("echo", PAYLOAD, plan.many);
    return now() - start;
  };
  const rounds = await repeat(together, plan.rounds, plan.budget_s);
  const rate = (plan.many / median(rounds)) * 1e9;
  emit(`w2_${workers}`, { jobs_per_s: rate, jobs: plan.many, n: rounds.length });
}

// Echo of large payloads.
export async function w3(open, plan, emit) {
  const peer = await warm(await open(1, { isForLarge: true }), plan);
  for (const [mib, count] of plan.payloads) {
    const payload = peer.large(mib << 20);
    const answer = await echo(peer, payload);
    if (!Buffer.from(answer).equals(Buffer.from(payload))) throw new Error("the echo differs from what was sent");
    const times = await repeat(() => roundTrip(peer, payload), count, plan.budget_s);
    emit(`w3_${mib}mib`, { ...spread(times), mb_per_s: (payload.length / median(times)) * 1e3 });
  }
}

// Cancel of a busy loop that ignores SIGTERM: until its process is gone and the caller told; until the next echo.
export const w4 = (open, plan, emit) => cancels(open, plan, emit, "spin", plan.cancels, "w4a", "w4b");

// As w4b, the worker has to load 500 ms.
export const w4c = (open, plan, emit) => cancels(open, plan, emit, "spin", plan.loads, undefined, "w4c", { loadMs: LOAD_MS });

// As w4, the loop dies of SIGTERM.
export const w4_sigterm = (open, plan, emit) =>
  cancels(open, plan, emit, "spinMortal", plan.cancels, "w4a_sigterm", "w4b_sigterm");

async function cancels(open, plan, emit, job, count, rowOver, rowEcho, needs = {}) {
  const peer = await open(1, needs);
  const rows = [rowOver, rowEcho].filter((row) => row);
  if (peer.cannotCancel) {
    for (const row of rows) emit(row, { cannot: peer.cannotCancel });
    return;
  }
  const postbox = new Postbox();
  const over = [];
  const untilNextEcho = async () => {
    const running = await peer.submit(job, postbox.path);
    const pid = Number(await postbox.read());
    const start = now();
    peer.cancel(running);
    const gone = departure(pid, plan.patience_s * 1e3);
    await peer.result(running).catch(() => {});
    const told = now();
    await within(plan.patience_s, echo(peer, PAYLOAD), Number(told - start));
    const answered = now();
    const goneAt = await gone;
    over.push((goneAt > told ? goneAt : told) - start);
    return answered - start;
  };
  try {
    const toEcho = await repeat(untilNextEcho, count, plan.budget_s);
    if (rowOver) emit(rowOver, spread(over));
    emit(rowEcho, spread(toEcho));
  } catch (late) {
    if (!(late instanceof Late)) throw late;
    const reason = `the caller is told, but in ${plan.patience_s} s the process is not gone and no other job runs`;
    for (const row of rows) emit(row, { cannot: reason, told_us: late.toldNs / 1e3 });
  }
}

// From the making of the pool until its first result.
export async function w5(open, plan, emit) {
  const start = now();
  const peer = await open(1, {});
  await echo(peer, PAYLOAD);
  emit("w5", spread([now() - start]));
}

// A job kills its own process while others wait: when the caller is told, and what becomes of the others.
export async function w6(open, plan, emit) {
  const peer = await warm(await open(1, {}), plan);
  const postbox = new Postbox();
  let alive = plan.behind;
  let aliveAfterNext = plan.behind;
  let usable = true;
  const untilTold = async () => {
    const crash = await peer.submit("crash", postbox.path);
    const told = peer.result(crash).then(
      () => Promise.reject(new Error("a job that was killed has a result")),
      () => now(),
    );
    const waiting = [];
    for (let index = 0; index < plan.behind; index++) waiting.push(await peer.submit("echo", PAYLOAD));
    const toldAt = await told;
    const killedAt = BigInt(await postbox.read());
    const answers = waiting.map((job) => peer.result(job).then((answer) => answer === PAYLOAD, () => false));
    alive = Math.min(alive, await answersWithin(1, answers));
    usable &&= (await answersWithin(plan.patience_s, [echo(peer, PAYLOAD).then(() => true, () => false)])) === 1;
    aliveAfterNext = Math.min(aliveAfterNext, await answersWithin(1, answers));
    return toldAt - killedAt;
  };
  const figures = spread(await repeat(untilTold, plan.crashes, plan.budget_s));
  const note = aliveAfterNext > alive && { note: `${aliveAfterNext} of those queued are alive after the next submit` };
  emit("w6", { ...figures, usable, queued: plan.behind, queued_alive: alive, ...note });
}

// Memory with one idle worker. The harness looks, and ends this process.
export async function w7(open, plan, emit) {
  const peer = await warm(await open(1, {}), plan);
  const postbox = new Postbox(); // nobody writes to it
  emit("idle", { worker: await peer.result(await peer.submit("pid", null)) });
  await postbox.read();
}

// Many submits while the worker is busy: the time of each, and what the host holds for it.
export async function w8(open, plan, emit) {
  const peer = await warm(await open(1, {}), plan);
  const postbox = new Postbox();
  await peer.submit("hold", postbox.path);
  await postbox.read();
  const count = Math.min(plan.deep, peer.mostQueued);
  const times = new BigInt64Array(count);
  const handles = new Array(count);
  const foreignBefore = await peer.foreignBytes();
  globalThis.gc(); // what is garbage is not held
  const before = resident();
  for (let index = 0; index < count; index++) {
    const start = now();
    handles[index] = await peer.submit("echo", PAYLOAD);
    times[index] = now() - start;
  }
  globalThis.gc();
  const figures = { ...spread(times), bytes_per_job: (resident() - before) / handles.length };
  if (foreignBefore !== undefined) {
    figures.redis_bytes_per_job = ((await peer.foreignBytes()) - foreignBefore) / count;
  }
  emit("w8", figures);
}

async function warm(peer, plan) {
  await peer.together("echo", PAYLOAD, plan.warm_up);
  await echo(peer, PAYLOAD);
  return peer;
}

async function echo(peer, payload) {
  return peer.result(await peer.submit("echo", payload));
}

async function roundTrip(peer, payload) {
  const start = now();
  await echo(peer, payload);
  return now() - start;
}

// No result in time.
class Late extends Error {
  constructor(toldNs) {
    super("no result in time");
    this.toldNs = toldNs;
  }
}

async function within(seconds, result, toldNs) {
  const late = pause(seconds * 1e3).then(() => Promise.reject(new Late(toldNs)));
  await Promise.race([result, late]);
}

// How many of these say yes in time.
async function answersWithin(seconds, answers) {
  let yes = 0;
  const counted = answers.map((answer) => answer.then((is) => is && yes++));
  await Promise.race([Promise.all(counted), pause(seconds * 1e3)]);
  return yes;
}
