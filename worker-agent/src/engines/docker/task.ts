import type { Failure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { EngineError, type Examined } from '../engine.ts';
import { parseDockerParams, type DockerParams } from './params.ts';

/** A task with its parameters as Docker gets them; null where they cannot be read. */
export type DockerTask = Examined &
  ({ readonly params: DockerParams; readonly failure: null } | { readonly params: null; readonly failure: Failure });

/** @param allowed capabilities that the node's owner gives */
export function examineTask(run: RunSpec, allowed: readonly string[]): DockerTask {
  try {
    const params = parseDockerParams(run.task.Engine.Params ?? {});
    const refusals = params.capabilities
      .filter((name) => !allowed.includes(name))
      .map((name) => `this node does not give capability ${name} (its owner may allow it with --allow-capability)`);
    return { run, refusals, failure: null, params };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { run, refusals: [], failure: error.failure, params: null };
  }
}
