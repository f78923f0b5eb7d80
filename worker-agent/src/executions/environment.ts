import { matchesPattern, variablesOfNode } from '@shoal/schema/offers';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { EngineError } from '../engines/engine.ts';

/** The agent's own secrets: no pattern of the owner's, however wide, gives them away. */
const secrets: ReadonlySet<string> = new Set(['SHOAL_NODE_TOKEN', 'DOCKER_USERNAME', 'DOCKER_PASSWORD']);

/** Whatever the case: some systems take names of variables so. */
export function isSecretVariable(name: string): boolean {
  return secrets.has(name.toUpperCase());
}

/** Whether a pattern of the owner's covers the variable. */
export function isAllowedVariable(wanted: string, patterns: readonly string[]): boolean {
  return !isSecretVariable(wanted) && patterns.some((pattern) => matchesPattern(wanted, pattern));
}

/**
 * The variables of a task: its own, with those of the node filled in, and Shoal's, which go over them. Which ones of the
 * node it may have was decided when it was taken.
 * @throws EngineError when the node does not have one of them
 */
export function environmentOf(
  run: RunSpec,
  node: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return {
    ...resolveVariables(run.task.Env ?? {}, node),
    BACALHAU_EXECUTION_ID: run.executionId,
    BACALHAU_JOB_ID: run.jobId,
    BACALHAU_JOB_TYPE: run.jobType,
    BACALHAU_PARTITION_INDEX: String(run.partition),
    BACALHAU_PARTITION_COUNT: String(run.partitionCount),
  };
}

function resolveVariables(
  env: Readonly<Record<string, string>>,
  node: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const resolved: Record<string, string> = { ...env };
  for (const [name, wanted] of variablesOfNode(env)) {
    const value = node[wanted];
    if (value === undefined) {
      const message = `failed to resolve task environment variables: required environment variable '${wanted}' not found`;
      throw new EngineError(makeFailure('environment', 'Preparing Environment', message));
    }
    resolved[name] = value;
  }
  return resolved;
}
