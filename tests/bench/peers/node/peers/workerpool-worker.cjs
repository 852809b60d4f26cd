// What a worker of workerpool loads.

const workerpool = require("workerpool");

const { jobs, load } = require("../jobs.cjs");

load();
workerpool.worker(jobs);
