import { expect, test } from 'vitest';
import { cancelled, completed, CoreHarness, failed } from '../../test/harness/core.ts';

test('an execution keeps how long each part of it took, whatever its end, and history tells it', () => {
  const phases = { queue: 0, pull: 1_200, run: 30 };
  for (const outcome of [completed(), failed('permanent'), cancelled]) {
    const core = new CoreHarness();
    const node = core.join('n-a');
    const { jobId } = core.submit();
    const { id } = core.execution(jobId);
    core.report(node, id, 1, { ...outcome, phases });
    expect(core.executionsOf(jobId).find((one) => one.id === id)?.phases).toEqual(phases);
    const told = core.events.find(({ details }) => 'RunMs' in details);
    expect(told?.details).toMatchObject({ QueueMs: '0', PullMs: '1200', RunMs: '30' });
  }
});
