import { describe, test } from 'vitest';
import { computeStates } from '../../../schema/states.ts';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { FakeD1 } from '../../../test/fakes/d1.ts';
import { seedExecution, seedJob } from '../../../test/fakes/seed.ts';
import { chooseExecution } from '../../logs/choose.ts';
import type { LogsPort } from '../../logs/port.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const jobId = 'j-2b1c5f2e-6f0a-4d1e-9d51-0c2f6f3a7b11';
const idOf = (n: number) => `e-00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const LOST = 'node n-one was lost';

describe('an execution that was given up', () => {
  /** The states of the executions 1, 2, ... as both routes show them. */
  const statesOf = async (...executions: { computeState: string; open?: 0 | 1; fencedFor?: string }[]) => {
    const { db, send } = makeFakeApi();
    seedJob(db, { id: jobId });
    executions.forEach((one, i) => seedExecution(db, { id: idOf(i + 1), jobId, ...one, createdAt: 1_000_000 + i }));
    const listed = (await send('GET', `${JOBS}/${jobId}/executions`)).json().Items;
    const included = (await send('GET', `${JOBS}/${jobId}?include=executions`)).json().Executions.Items;
    return [listed, included].map((items: { ComputeState: { StateType: number; Message?: string } }[]) =>
      items.map(({ ComputeState: { StateType, Message } }) => [computeStates[StateType], Message]),
    );
  };

  test.for(['New', 'BidAccepted', 'Running', 'Publishing'])(
    'is Failed with the reason, not %s',
    async (state, { expect }) => {
      const shown = await statesOf({ computeState: state, fencedFor: LOST }, { computeState: state });
      for (const items of shown) {
        expect(items).toEqual([
          ['Failed', LOST],
          [state, undefined],
        ]);
      }
    },
  );

  test('is what its node has said, once it has', async ({ expect }) => {
    const shown = await statesOf(
      { computeState: 'Completed', open: 0, fencedFor: LOST },
      { computeState: 'Cancelled', open: 0, fencedFor: LOST },
    );
    for (const items of shown) expect(items.map(([state]) => state)).toEqual(['Completed', 'Cancelled']);
  });

  test('is not the one whose log is meant when another runs in its place', async ({ expect }) => {
    const db = new FakeD1();
    const opened: (string | null)[] = [];
    const logs: Partial<LogsPort> = {
      choose: (executions) => chooseExecution(executions, async () => true),
      read: async ({ executionId }) => {
        opened.push(executionId);
        return new Response('opened');
      },
    };
    const { send } = makeFakeApi({}, db, { logs: logs as LogsPort });
    seedJob(db, { id: jobId });
    seedExecution(db, { id: idOf(1), jobId, createdAt: 1_000_000 });
    // It changed last, when it was given up.
    seedExecution(db, { id: idOf(2), jobId, fencedFor: LOST, createdAt: 2_000_000 });
    await send('GET', `${JOBS}/${jobId}/logs`, undefined, { Upgrade: 'websocket' });
    expect(opened).toEqual([idOf(1)]);
  });
});
