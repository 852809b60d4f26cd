// One workload of one peer, in a process of its own: `main.mjs PEER WORKLOAD PLAN`.

import * as workloads from "./workloads.mjs";

const [peer, workload, plan] = process.argv.slice(2);
const { open } = await import(`./peers/${peer}.mjs`);

function emit(row, figures) {
  process.stdout.write(JSON.stringify({ [row]: figures }) + "\n");
}

await workloads[workload](open, JSON.parse(plan), emit);
// The harness ends what is left.
process.exit(0);
