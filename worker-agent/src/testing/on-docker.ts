import { randomUUID } from 'node:crypto';
import { NodeId } from '@shoal/schema/ids';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { DockerEngine, type DockerOptions } from '../engines/docker/docker.ts';
import type { Container, ContainerNetwork, Engine } from '../engines/engine.ts';
import { WorkFolders } from '../executions/folders.ts';
import { environmentOf } from '../executions/environment.ts';
import type { Outcome } from '../executions/outcome.ts';
import { runTask } from '../executions/runner.ts';
import { inputs } from '../inputs/inputs.ts';
import { headRecorder } from '../logs/head-recorder.ts';
import type { LogRecorder } from '../logs/recorder.ts';
import { systemClock } from '../machine/clock.ts';
import { publishers } from '../publishers/publishers.ts';

/** An engine of a node of its own. */
export async function engineOnDocker(options: DockerOptions = {}): Promise<DockerEngine> {
  const engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), process.env['DOCKER_HOST'] ?? null, options);
  await engine.probe();
  return engine;
}

interface Options {
  readonly network?: ContainerNetwork;
  /** A former agent started it. */
  readonly started?: boolean;
  readonly workFolder?: string;
  readonly stop?: AbortSignal;
  readonly onRunning?: () => void;
  readonly logs?: LogRecorder;
}

/** Runs one task to its end, and leaves its container. */
export async function runOn(engine: Engine, spec: RunSpec, options: Options = {}): Promise<Outcome> {
  const { network = 'none', started = false, stop, onRunning = () => {}, logs = headRecorder, workFolder } = options;
  const adopted = { started, ran: null, phases: {} };
  const task = { task: engine.examine(spec), network, adopted, stop: stop ?? new AbortController().signal };
  const hooks = { record: async () => {}, running: onRunning, stopping: async () => {} };
  const folders = workFolder === undefined ? null : new WorkFolders(workFolder);
  const ports = { engine, clock: systemClock, logs, env: process.env, inputs, publishers, folders };
  return (await runTask(ports, task, hooks)).outcome;
}

/** Runs one task to its end, and leaves no container. */
export async function runOnDocker(engine: Engine, spec: RunSpec, options: Options = {}): Promise<Outcome> {
  try {
    return await runOn(engine, spec, options);
  } finally {
    await engine.remove(spec.executionId);
  }
}

/** Makes a task's container as the agent does. */
export function createOn(engine: Engine, spec: RunSpec, network: ContainerNetwork): Promise<Container> {
  const provisions = { network, environment: environmentOf(spec, process.env), mounts: [] };
  const { signal } = new AbortController();
  return engine.create(engine.examine(spec), provisions, { signal, pulled: () => {} });
}

/** What a task printed; throws when it failed. */
export function stdoutOf(outcome: Outcome): string {
  if (outcome.type !== 'completed') throw new Error(`not completed: ${JSON.stringify(outcome)}`);
  return outcome.output.stdout;
}
