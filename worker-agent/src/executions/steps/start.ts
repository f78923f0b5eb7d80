import { persist } from '../persist.ts';
import type { Step } from './step.ts';

/** Starts the container. */
export const start: Step = {
  name: 'start',
  phase: 'create',
  failureClass: 'infrastructure',
  topic: 'Running Execution',
  applies: ({ container }) => container?.state === 'created',
  record: ({ task, phases }) => ({ type: 'starting', executionId: task.run.executionId, phases: { ...phases } }),
  prepare: async (life) => {
    const { engine, clock, logs } = life.ports;
    const { run } = life.task;
    // Before the start: a task may have printed all it has to say before anybody could listen.
    life.recording = await persist(clock, () => logs.record(engine, run, 'created'));
    life.isStarted = true;
    await persist(clock, () => engine.start(run.executionId));
  },
};
