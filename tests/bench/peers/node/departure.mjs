// The end of a foreign process.

import fs from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { now } from "./measure.mjs";

const LOOK_MS = 1;

// When the process was seen to be gone, or undefined if it is still there. Node.js cannot be woken for it, so it
// looks every millisecond; what is measured with it here takes seconds.
export async function departure(pid, patienceMs) {
  const end = now() + BigInt(patienceMs) * 1_000_000n;
  while (now() < end) {
    if (isGone(pid)) return now();
    await pause(LOOK_MS);
  }
  return undefined;
}

function isGone(pid) {
  try {
    const status = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    return status.slice(status.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return true;
  }
}
