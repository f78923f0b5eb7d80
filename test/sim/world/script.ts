import { z } from 'zod';
import { EngineError } from '../../../worker-agent/src/engines/engine.ts';
import type { Script } from '../../../worker-agent/src/engines/fake.ts';
import type { RunSpec } from '../../../schema/protocol/to-agent.ts';
import { makeFailure } from '../../../schema/protocol/common.ts';
import type { Rng } from './rng.ts';

/** What a simulated task does, carried in its engine parameters. */
export const Behaviour = z.object({
  /** Absent: it runs until it is stopped. */
  runMs: z.number().optional(),
  pullMs: z.number().optional(),
  stopMs: z.number().optional(),
  exitCode: z.number().optional(),
  /** How likely an attempt fails, and how. */
  failRate: z.number().optional(),
  failure: z.enum(['permanent', 'environment', 'infrastructure', 'memory']).optional(),
});
export type Behaviour = z.infer<typeof Behaviour>;

/** How one execution goes on one node. */
export function scriptOf(run: RunSpec, rng: Rng): Script {
  const { runMs, pullMs, stopMs, exitCode, failRate = 0, failure } = Behaviour.parse(run.task.Engine.Params);
  const script: Script = {
    ...(runMs !== undefined && { runMs }),
    ...(pullMs !== undefined && { pullMs }),
    ...(stopMs !== undefined && { stopMs }),
    ...(exitCode !== undefined && { exitCode }),
    stdout: 'done',
  };
  if (failure === undefined || !rng.chance(failRate)) return script;
  if (failure === 'memory') return { ...script, runMs: 500, exitCode: 137, outOfMemory: true };
  const error = new EngineError(makeFailure(failure, 'Preparing Environment', `the image is ${failure} bad`));
  return rng.chance(0.5) ? { ...script, createError: error } : { ...script, startError: error };
}
