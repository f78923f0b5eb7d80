import { expect, test } from 'vitest';
import { computeStates, isTerminalComputeState } from '../../schema/states.ts';
import { executionEvents, step } from './execution.ts';

test('every state answers every event, and a terminal one with nothing', () => {
  for (const state of computeStates) {
    for (const event of executionEvents) {
      const next = step(state, event);
      if (isTerminalComputeState(state)) expect(next, `${state} ${event}`).toBeNull();
      if (next !== null) expect(computeStates).toContain(next);
    }
  }
});

test('states only go forward', () => {
  const order = ['New', 'BidAccepted', 'Running', 'Publishing'];
  for (const [i, state] of order.entries()) {
    for (const event of executionEvents) {
      const next = step(state as (typeof computeStates)[number], event);
      if (next !== null && !isTerminalComputeState(next)) expect(order.indexOf(next)).toBeGreaterThan(i);
    }
    expect(step(state as (typeof computeStates)[number], 'complete')).toBe('Completed');
  }
});

/** What the agents' frames lead to, written out a second time: `-` is ignored. */
const expected = `
              ack          reject             start    publish     complete   fail    cancel
New           BidAccepted  AskForBidRejected  Running  Publishing  Completed  Failed  Cancelled
BidAccepted   -            -                  Running  Publishing  Completed  Failed  Cancelled
Running       -            -                  -        Publishing  Completed  Failed  Cancelled
Publishing    -            -                  -        -           Completed  Failed  Cancelled
`;

test('each frame leads where the table says', () => {
  const rows = expected.trim().split('\n').slice(1);
  for (const row of rows) {
    const [state = '', ...next] = row.trim().split(/\s+/);
    for (const [i, event] of executionEvents.entries()) {
      const want = next[i] === '-' ? null : next[i];
      expect(step(state as (typeof computeStates)[number], event), `${state} ${event}`).toBe(want);
    }
  }
});
