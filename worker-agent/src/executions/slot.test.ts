import { describe, expect, test } from 'vitest';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { Harness } from '../testing/harness.ts';
import { runSpec, task } from '../testing/run-spec.ts';
import { reactions, type SlotState } from './slot.ts';

/** What is said on the wire when an order comes in each state, and how the execution ends. */
interface Case {
  /** Brings an execution into the state, of another agent perhaps; what is said on the way is not looked at. */
  readonly reach: (harness: Harness, run: RunSpec) => Promise<Harness | void>;
  readonly run: readonly string[];
  readonly stop: readonly string[];
  readonly keep: readonly string[];
  /** While this state lasts, the journal is not written. */
  readonly isHeld?: boolean;
}

const refused = { task: task({}, { Network: { Type: 'HTTP' } }) };
const full = new Error('disk full');

/** What an agent says once the journal can be written again is left out: the order itself is looked at. */
const cases: { readonly [state in SlotState]: Case } = {
  absent: {
    reach: async () => {},
    run: ['ack', 'report Running'],
    stop: ['report Cancelled'],
    keep: [],
  },
  taking: { reach: (harness, run) => harness.run(run), isHeld: true, run: [], stop: [], keep: [] },
  waiting: {
    reach: async (harness, run) => {
      await harness.run(run);
      harness.engine.setReachable(false);
      return harness.killAndRestart();
    },
    run: ['ack'],
    stop: ['report Cancelled'],
    keep: [],
  },
  launched: { reach: (harness, run) => harness.run(run), run: ['ack'], stop: ['report Cancelled'], keep: [] },
  ending: {
    reach: async (harness, run) => {
      await harness.run(run);
      harness.journal.failure = full;
      await harness.clock.advance(1_000);
    },
    run: ['ack'],
    stop: [],
    keep: [],
  },
  declining: {
    reach: (harness, run) => harness.run({ ...run, ...refused }),
    isHeld: true,
    run: [],
    stop: [],
    keep: [],
  },
  undeclared: {
    reach: async (harness, run) => {
      harness.journal.failure = full;
      await harness.run({ ...run, ...refused });
      harness.journal.failure = null;
    },
    run: ['reject'],
    stop: ['report Cancelled'],
    keep: [],
  },
  closing: { reach: (harness, run) => harness.stop(run.executionId), isHeld: true, run: [], stop: [], keep: [] },
};

describe('what an order does', () => {
  for (const [state, given] of Object.entries(cases)) {
    for (const order of ['run', 'stop', 'keep'] as const) {
      const reaction = reactions[state as SlotState][order];
      test(`in state ${state}: ${order} is answered by ${reaction}`, async () => {
        const first = await Harness.start(() => ({ ...(state === 'waiting' && { pullMs: 60_000 }), runMs: 1_000 }));
        const run = runSpec();
        if (given.isHeld === true) first.journal.hold();
        const harness = (await given.reach(first, run)) ?? first;
        const before = harness.said.length;
        const { executionId } = run;
        if (order === 'run') await harness.run(run);
        else if (order === 'stop') await harness.stop(executionId);
        else await harness.order({ type: 'keep', executionId });
        await harness.clock.advance(0);
        expect(harness.said.slice(before)).toEqual(given[order]);
        if (reaction === 'nothing') expect(harness.said.slice(before)).toEqual([]);
        harness.journal.release();
      });
    }
  }
});

test('a stop that comes while an execution is taken is written after it, and nothing starts', async () => {
  const harness = await Harness.start();
  const run = runSpec();
  harness.journal.hold();
  await harness.run(run);
  await harness.stop(run.executionId);
  harness.journal.release();
  await harness.clock.advance(5_000);
  expect(harness.journal.log.map(({ type }) => type)).toEqual(['taken', 'stopping', 'ended']);
  expect(harness.said.slice(0, 2)).toEqual(['ack', 'report Cancelled']);
  expect(harness.engine.starts.size).toBe(0);
});
