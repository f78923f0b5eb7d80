import { runSeed } from './run-seed.ts';

/** Seeds for one process to run. */
export interface Chunk {
  readonly from: number;
  readonly count: number;
  /** Ends with the first broken promise. */
  readonly stopAtFirst: boolean;
}

/** What came of them. */
export interface ChunkResult {
  readonly violations: readonly { readonly seed: number; readonly what: string }[];
  readonly hashes: readonly string[];
  readonly steps: number;
  readonly leastSteps: number;
  readonly totals: readonly (readonly [string, number])[];
}

async function runChunk({ from, count, stopAtFirst }: Chunk): Promise<ChunkResult> {
  const violations: { seed: number; what: string }[] = [];
  const hashes: string[] = [];
  const totals = new Map<string, number>();
  let [steps, leastSteps] = [0, Infinity];
  for (let seed = from; seed < from + count; seed++) {
    if (stopAtFirst && violations.length > 0) break;
    const result = await runSeed(seed, false);
    if (result.violation !== null) violations.push({ seed, what: result.violation });
    hashes.push(result.hash);
    steps += result.steps;
    if (result.violation === null) leastSteps = Math.min(leastSteps, result.steps);
    for (const [what, times] of result.totals) totals.set(what, (totals.get(what) ?? 0) + times);
  }
  return { violations, hashes, steps, leastSteps, totals: [...totals] };
}

// Traces of errors are costly and nobody reads them here.
Error.stackTraceLimit = 0;
// The code under test writes lines for operators; here they are noise.
console.log = () => {};
console.error = () => {};

process.on('message', (chunk: Chunk) => {
  void runChunk(chunk).then((result) => process.send?.(result));
});
