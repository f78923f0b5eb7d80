import { makeFailure } from '@shoal/schema/protocol/common';
import { errorText, StepError } from '../../ports.ts';
import { findByType } from '../kinds.ts';
import type { Step } from './step.ts';

/** Hands the results to the task's publisher. */
export const publish: Step = {
  name: 'publish',
  phase: 'publish',
  failureClass: 'environment',
  topic: 'Publishing Results',
  applies: ({ outcome, task }) => outcome?.type === 'completed' && task.run.task.Publisher.Type !== '',
  prepare: async ({ task, ports, folder, stop }) => {
    const { run } = task;
    const { Type, Params = {} } = run.task.Publisher;
    const publisher = findByType(ports.publishers, Type);
    if (publisher === null) {
      const message = `failed to publish result: this node does not support "${Type}" any more`;
      throw new StepError(makeFailure('environment', 'Publishing Results', message));
    }
    try {
      await publisher.publish({ run, params: Params, folder, signal: stop });
    } catch (error) {
      if (error instanceof StepError || stop.aborted) throw error;
      const message = `failed to publish result: ${errorText(error)}`;
      throw new StepError(makeFailure('environment', 'Publishing Results', message), error);
    }
  },
};
