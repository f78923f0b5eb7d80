import { makeFailure } from '@shoal/schema/protocol/common';
import { StepError } from '../../ports.ts';
import { findByType } from '../kinds.ts';
import type { Step } from './step.ts';

/** What inputs may take of a task that names no disk. */
const DEFAULT_INPUT_BYTES = 2 ** 30;

/** Gets the task's inputs, one after the other, into folders that its container sees. */
export const fetchInputs: Step = {
  name: 'inputs',
  phase: 'inputs',
  failureClass: 'environment',
  topic: 'Downloading Inputs',
  // A container that may have been started has its mounts.
  applies: ({ task, adopted }) => !adopted.started && (task.run.task.InputSources ?? []).length > 0,
  prepare: async ({ task, ports, mounts, stop }) => {
    const { executionId, resources } = task.run;
    const { folders, inputs } = ports;
    let left = resources.disk > 0 ? resources.disk : DEFAULT_INPUT_BYTES;
    for (const [index, { Source, Target }] of (task.run.task.InputSources ?? []).entries()) {
      const input = findByType(inputs, Source.Type);
      // Taken by an agent that had it: another node has it still.
      if (input === null || folders === null) throw unsupported(Source.Type);
      const folder = await folders.input(executionId, index);
      const { path, bytes } = await input.fetch({
        params: Source.Params ?? {},
        folder,
        maxBytes: left,
        signal: stop,
      });
      stop.throwIfAborted();
      left -= bytes;
      mounts.push({ source: path, target: Target });
    }
  },
  undo: async ({ folders }, executionId) => folders?.remove(executionId),
};

function unsupported(type: string): StepError {
  const message = `this node does not support "${type}" any more`;
  return new StepError(makeFailure('environment', 'Downloading Inputs', message));
}
