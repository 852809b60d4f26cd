// A word from a job to its host, past the pool.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const read = promisify(fs.read);

// A named pipe. Held open for both directions, so that neither side waits for the other to open it.
export class Postbox {
  #pipe;

  constructor() {
    this.path = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "node-")), "postbox");
    execFileSync("mkfifo", [this.path]);
    this.#pipe = fs.openSync(this.path, fs.constants.O_RDWR);
  }

  // Waits for a word; the harness has the deadline.
  async read() {
    const { bytesRead, buffer } = await read(this.#pipe, Buffer.alloc(64), 0, 64, null);
    return buffer.toString("utf8", 0, bytesRead);
  }
}
