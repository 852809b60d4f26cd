// The jobs that the pools run. Each takes one argument; a path is that of a postbox.

const fs = require("node:fs");

const LONG_MS = 3_600_000;

function echo(payload) {
  return payload;
}

function pid() {
  return process.pid;
}

// A busy loop that ignores SIGTERM: a handler in JavaScript does not get its turn while the loop runs.
function spin(path) {
  process.on("SIGTERM", () => {});
  spinMortal(path);
}

// A busy loop that dies of SIGTERM.
function spinMortal(path) {
  post(path, String(process.pid));
  for (;;);
}

// Kills its own process, and says when. It waits a little first, until others wait behind it.
function crash(path) {
  sleep(50);
  post(path, String(process.hrtime.bigint()));
  process.kill(process.pid, "SIGKILL");
}

// Keeps the worker busy without using the processor.
function hold(path) {
  post(path, "holding");
  sleep(LONG_MS);
}

// Stands for a plugin that takes long to load.
function load() {
  if (process.env.PEER_LOAD_MS) sleep(Number(process.env.PEER_LOAD_MS));
}

// The whole process, as a job in native code does.
function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function post(path, word) {
  fs.writeFileSync(path, word);
}

module.exports = { jobs: { echo, pid, spin, spinMortal, crash, hold }, load };
