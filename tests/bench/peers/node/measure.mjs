// Times and what is said of them. Durations are bigints of ns inside, µs in what is reported.

export const now = process.hrtime.bigint;

// Up to `count` samples, fewer if they take longer than the budget, at least one.
export async function repeat(sample, count, budgetS) {
  const end = now() + BigInt(Math.round(budgetS * 1e9));
  const samples = [await sample()];
  while (samples.length < count && now() < end) samples.push(await sample());
  return samples;
}

// Of fewer than 100 samples the p99 is the slowest.
export function spread(samples) {
  const ordered = BigInt64Array.from(samples).sort();
  let sum = 0n;
  for (const sample of ordered) sum += sample;
  return {
    p50_us: Number(rank(ordered, 0.5)) / 1e3,
    p99_us: Number(rank(ordered, 0.99)) / 1e3,
    mean_us: Number(sum) / ordered.length / 1e3,
    n: ordered.length,
  };
}

export function median(samples) {
  return Number(rank(BigInt64Array.from(samples).sort(), 0.5));
}

function rank(ordered, share) {
  return ordered[Math.ceil(share * ordered.length) - 1];
}

// The resident memory of this process, in bytes.
export const resident = process.memoryUsage.rss;
