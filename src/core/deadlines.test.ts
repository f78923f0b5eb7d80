import { describe, expect, test } from 'vitest';
import { completed, CoreHarness, running } from '../../test/harness/core.ts';

describe('the limit on how long a task runs', () => {
  test('is kept by the Scheduler a minute after the agent should have, and the task is tried again', () => {
    const core = new CoreHarness();
    const node = core.join('n-a', { capacity: { cpu: 4 } });
    const { jobId } = core.submit({ needs: { executionTimeoutMs: 30_000 } });
    core.ack(node, core.execution(jobId).id);
    core.report(node, core.execution(jobId).id, 1, running);
    core.heard.set(node.nodeId, core.now + 600_000);
    core.advance(89_999);
    expect(core.execution(jobId).desiredState).toBe('Running');
    core.said();
    core.advance(1);
    expect(core.execution(jobId)).toMatchObject({
      desiredState: 'Stopped',
      failureClass: 'environment',
      desiredMessage: 'Execution timed out. Execution took longer than 30s',
    });
    expect(core.said()).toEqual(['stop n-a']);
    const details = { NodeID: 'n-a', IsError: 'true', FailsExecution: 'true', Hint: expect.any(String) as string };
    expect(core.events.findLast(({ topic }) => topic === 'Exec Timeout')).toMatchObject({ details });
    core.advanceUntil(() => core.executionsOf(jobId).length === 2);
  });

  test('a task that ended all the same while its partition is open counts', () => {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit({ needs: { executionTimeoutMs: 1_000 } });
    const { id } = core.execution(jobId);
    core.ack(node, id);
    core.report(node, id, 1, running);
    core.heard.set(node.nodeId, core.now + 600_000);
    core.advance(61_000);
    core.report(node, id, 2, completed());
    expect(core.job(jobId).state).toBe('Completed');
  });
});

test('stops are sent again ever more rarely while the node is connected, and no more when it is gone', () => {
  const core = new CoreHarness();
  const node = core.join('n-a');
  core.stop(core.submit().jobId);
  core.heard.set(node.nodeId, core.now + 600_000);
  core.said();
  core.advance(60_000);
  const first = core.said().length;
  core.heard.set(node.nodeId, core.now + 600_000);
  core.advance(60_000);
  expect(first).toBeGreaterThan(core.said().length);
  core.leave(node);
  core.said();
  core.advance(600_000);
  expect(core.said()).toEqual([]);
});
