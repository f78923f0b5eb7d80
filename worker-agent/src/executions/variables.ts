import { matchesPattern, variablesOfNode } from '@shoal/schema/offers';
import { makeFailure } from './outcome.ts';
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
 * The task's variables with those of the node filled in. Which ones it may have was decided when it was taken.
 * @throws EngineError when the node does not have one of them
 */
export function resolveVariables(
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
