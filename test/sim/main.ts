console.log = (
  (log) =>
  (...a: unknown[]) => {
    if (typeof a[0] !== 'string' || !a[0].startsWith('{')) log(...a);
  }
)(console.log);
import { Simulation } from './simulation.ts';
const seed = Number(process.argv[2] ?? 1),
  n = Number(process.argv[3] ?? 1);
const keep = n === 1;
const t0 = performance.now();
let steps = 0;
const totals = new Map<string, number>();
for (let s = seed; s < seed + n; s++) {
  const r = await new Simulation(s, keep).run();
  steps += r.steps;
  for (const [k, v] of r.totals) totals.set(k, (totals.get(k) ?? 0) + v);
  if (keep) console.log(r.lines.join('\n'));
  if (r.violation || keep) console.log(r.seed, r.violation, r.steps, r.hash, r.lineCount);
}
console.error(
  [...totals]
    .sort()
    .map(([k, v]) => `${k}: ${v}`)
    .join('\n'),
);
console.error(((performance.now() - t0) / n).toFixed(1), 'ms a seed', steps / n, 'steps');
