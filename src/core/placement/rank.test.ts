import { expect, test } from 'vitest';
import type { ExecutionId } from '../../../schema/ids.ts';
import { completed, CoreHarness, failed } from '../../../test/harness/core.ts';

/** Where one job after the other is placed, none of them ending. */
function placed(core: CoreHarness, count: number, needs = {}): string[] {
  return Array.from({ length: count }, () => core.execution(core.submit({ needs }).jobId).nodeId);
}

test('work spreads over equal nodes, in the order of their ids', () => {
  const core = new CoreHarness();
  for (const name of ['n-b', 'n-a', 'n-c']) core.join(name);
  expect(placed(core, 6)).toEqual(['n-a', 'n-b', 'n-c', 'n-a', 'n-b', 'n-c']);
});

test('work goes where the larger share stays free, of what it uses most', () => {
  const core = new CoreHarness();
  core.join('n-a', { capacity: { cpu: 2, memory: 10_000 } });
  core.join('n-b', { capacity: { cpu: 8, memory: 1_000 } });
  expect(placed(core, 1, { resources: { cpu: 1, memory: 10, disk: 0, gpu: 0 } })).toEqual(['n-b']);
  expect(placed(core, 1, { resources: { cpu: 0.1, memory: 900, disk: 0, gpu: 0 } })).toEqual(['n-a']);
});

test('a favoured node comes before a freer one, and is no condition', () => {
  const core = new CoreHarness();
  const constraints = [{ Key: 'favour_zone', Operator: '=', Values: ['b'] }];
  core.join('n-a', { capacity: { cpu: 10, memory: 10_000 } });
  core.join('n-b', { capacity: { cpu: 2 }, labels: { zone: 'b' } });
  expect(placed(core, 3, { constraints })).toEqual(['n-b', 'n-b', 'n-a']);
});

test('an untried node comes before a favoured one', () => {
  const core = new CoreHarness();
  const constraints = [{ Key: 'favour_zone', Operator: '=', Values: ['b'] }];
  core.join('n-a');
  const b = core.join('n-b', { labels: { zone: 'b' } });
  const { jobId } = core.submit({ needs: { constraints } });
  core.report(b, core.execution(jobId).id, 1, failed('environment'));
  core.advanceUntil(() => core.executionsOf(jobId).length === 2);
  expect(core.executionAt(jobId, 1).nodeId).toBe('n-a');
});

test('a node that missed a deadline comes last, until it speaks', () => {
  const core = new CoreHarness();
  const a = core.join('n-a');
  core.join('n-b');
  const { jobId } = core.submit();
  core.advance(3_000);
  const replacement: ExecutionId = core.executionAt(jobId, 1).id;
  expect(core.executionAt(jobId, 1).nodeId).toBe('n-b');
  expect(placed(core, 1)).toEqual(['n-b']);
  core.report(a, replacement, 9, completed());
  expect(placed(core, 1)).toEqual(['n-a']);
});
