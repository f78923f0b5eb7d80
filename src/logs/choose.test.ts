import { describe, expect, test } from 'vitest';
import { ExecutionId, JobId } from '../../schema/ids.ts';
import type { RunOutput } from '../../schema/records.ts';
import type { ComputeState, JobState } from '../../schema/states.ts';
import type { ExecutionView } from '../store/reads/executions.ts';
import type { Reads } from '../store/reads/reads.ts';
import { awaitExecution, chooseExecution } from './choose.ts';

const OUTPUT = { stdout: 'x' } as RunOutput;

/** Executions, the newest first: state, and what is had of each: nothing, output in the database, parts in the bucket. */
type Given = readonly (readonly [state: ComputeState, has?: 'output' | 'parts' | undefined, fenced?: 'fenced'])[];

async function choose(given: Given): Promise<number | null> {
  const ids = given.map((_, i) => ExecutionId.parse(`e-00000000-0000-4000-8000-${String(i).padStart(12, '0')}`));
  const views = given.map(([computeState, has, fenced], i) => ({
    id: ids[i],
    fenced: fenced !== undefined,
    computeState,
    output: has === 'output' ? OUTPUT : null,
  }));
  const chosen = await chooseExecution(
    views as unknown as ExecutionView[],
    async (id) => given[ids.indexOf(id)]?.[1] === 'parts',
  );
  return chosen === null ? null : ids.indexOf(chosen);
}

describe('without an execution id the newest execution is meant that has a log', () => {
  const table: readonly (readonly [what: string, given: Given, chosen: number | null])[] = [
    ['none', [], null],
    ['one that ended well', [['Completed']], 0],
    ['one that will have one', [['New'], ['Completed']], 0],
    ['one that was stopped, with output', [['Cancelled', 'output']], 0],
    ['one that was stopped, with parts alone', [['Cancelled', 'parts']], 0],
    ['not one that was stopped before it ran', [['Cancelled'], ['Completed']], 1],
    ['a failed one, newer than a good one', [['Failed', 'output'], ['Completed']], 0],
    ['not one that could not start', [['Failed'], ['Failed', 'parts'], ['Completed']], 1],
    ['not one that was declined', [['AskForBidRejected'], ['BidRejected'], ['Failed', 'output']], 2],
    ['not one that was given up and left nothing', [['Running', undefined, 'fenced'], ['Completed']], 1],
    ['one that runs in place of one that was given up', [['Running', 'parts', 'fenced'], ['Running']], 1],
    ['one that was given up and left something', [['Running', 'parts', 'fenced'], ['Failed']], 0],
    ['none that ever ran', [['Failed'], ['Cancelled'], ['AskForBidRejected']], null],
  ];
  test.each(table)('%s', async (_, given, chosen) => expect(await choose(given)).toBe(chosen));
});

describe('who waits for a job after its first execution could not be started', () => {
  const first = ExecutionId.parse('e-00000000-0000-4000-8000-000000000001');
  const jobId = JobId.parse('j-00000000-0000-4000-8000-000000000001');
  const after = (state: JobState) => {
    const executions = [{ id: first, fenced: false, computeState: 'Failed', output: OUTPUT }];
    const job = { name: 'one', state, stateMessage: 'no such command' };
    const reads = { getJob: async () => ({ job, executions }) } as unknown as Reads;
    const waiting = { reads, hasStored: async () => false, pause: async () => {}, isOver: () => false };
    return awaitExecution({ jobId, version: 0, without: new Set([first]) }, waiting);
  };

  test('hears the reason when the job has failed', async () => {
    await expect(after('Failed')).rejects.toThrow('job one has ended as Failed without having run: no such command');
  });

  test('hears nothing more when it is Completed', async () => expect(await after('Completed')).toBeNull());
});
