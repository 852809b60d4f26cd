// What a sandboxed process of BullMQ loads.

const { jobs, load } = require("../jobs.cjs");

load();
module.exports = async (job) => jobs[job.name](job.data);
