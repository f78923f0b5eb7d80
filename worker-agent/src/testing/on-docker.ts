import { randomUUID } from 'node:crypto';
import { NodeId } from '@shoal/schema/ids';
import { DockerEngine, type DockerOptions } from '../engines/docker/docker.ts';
import type { ContainerNetwork } from '../engines/engine.ts';
import type { RunSpec } from '../journal/records.ts';
import { systemClock } from '../machine/clock.ts';
import type { Outcome } from '../executions/outcome.ts';
import { runTask } from '../executions/runner.ts';

/** An engine of a node of its own. */
export async function engineOnDocker(options: DockerOptions = {}): Promise<DockerEngine> {
  const engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), process.env['DOCKER_HOST'] ?? null, options);
  await engine.probe();
  return engine;
}

interface Options {
  readonly network?: ContainerNetwork;
  readonly stop?: AbortSignal;
  readonly onRunning?: () => void;
}

/** Runs one task to its end, and leaves no container. */
export async function runOnDocker(
  engine: DockerEngine,
  spec: RunSpec,
  { network = 'none', stop, onRunning = () => {} }: Options = {},
): Promise<Outcome> {
  const task = { run: spec, network, started: false, stop: stop ?? new AbortController().signal };
  const hooks = { starting: async () => {}, running: onRunning, stopping: async () => {} };
  try {
    return await runTask({ engine, clock: systemClock }, task, hooks);
  } finally {
    await engine.remove(spec.executionId);
  }
}

/** What a task printed; throws when it failed. */
export function stdoutOf(outcome: Outcome): string {
  if (outcome.type !== 'completed') throw new Error(`not completed: ${JSON.stringify(outcome)}`);
  return outcome.output.stdout;
}
