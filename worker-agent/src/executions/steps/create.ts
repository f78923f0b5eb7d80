import { makeFailure } from '@shoal/schema/protocol/common';
import { environmentOf } from '../environment.ts';
import { outcomeOfStop } from '../outcome.ts';
import { persist } from '../persist.ts';
import type { Life, Step } from './step.ts';

/** Has the container made, with what it is made of, or finds the one that a former agent started. */
export const create: Step = {
  name: 'create',
  phase: 'create',
  failureClass: 'infrastructure',
  topic: 'Running Execution',
  applies: () => true,
  prepare: async (life) => {
    const { ports, task, network, mounts, stop, phases } = life;
    if (life.adopted.started) return adopt(life);
    const provisions = { network, mounts, environment: environmentOf(task.run, ports.env) };
    const pulled = (ms: number): void => void (phases.pull = (phases.pull ?? 0) + ms);
    life.container = await ports.engine.create(task, provisions, { signal: stop, pulled });
  },
  undo: ({ engine }, executionId) => engine.remove(executionId),
};

async function adopt(life: Life): Promise<void> {
  const { task, network, stop } = life;
  const { engine, clock } = life.ports;
  const container = await persist(clock, () => engine.find(task.run.executionId));
  life.container = container;
  if (container === null) {
    life.outcome = stop.aborted
      ? outcomeOfStop(stop.reason, null)
      : { type: 'failed', failure: makeFailure('infrastructure', 'Running Execution', GONE), output: null };
    return;
  }
  // Also one that was never started: its surroundings were made by a process that is gone, or before the machine's start.
  if (container.state !== 'ended') await persist(clock, async () => engine.resume?.(task.run, network));
}

/** By somebody else's hand. Running its task again could do its work twice. */
const GONE = 'the container is gone: it was removed while the agent was away';
