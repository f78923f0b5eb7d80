import { durationText } from '@shoal/schema/format';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunOutput } from '@shoal/schema/records';
import {
  EngineError,
  type Container,
  type ContainerNetwork,
  type Ended,
  type Engine,
  type Examined,
} from '../engines/engine.ts';
import type { StopRequest } from '../journal/records.ts';
import type { Heads } from '../logs/heads.ts';
import type { LogRecorder, Recording } from '../logs/recorder.ts';
import { errorText, pause, type Clock } from '../ports.ts';
import { environmentOf } from './environment.ts';
import { outcomeOfStop, type Outcome } from './outcome.ts';

/** SIGTERM, then SIGKILL after this time. Short: a stop is an order, and an agent that stops has ten seconds. */
export const STOP_GRACE_MS = 2_000;
/** How long a task outlives its engine's silence. */
const ENGINE_PATIENCE_MS = 5 * 60_000;
const ENGINE_RETRY_MS = 1_000;
const MAX_ENGINE_RETRY_MS = 10_000;
/** A call that lasted longer than any deadline of the engine's was not met by silence. */
const ANSWERED_MS = 60_000;

export interface RunnerPorts {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Writes down what tasks print. */
  readonly logs: LogRecorder;
  /** The node's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface TaskRun {
  readonly task: Examined;
  readonly network: ContainerNetwork;
  /** The journal says that the container may have been started: if it is gone, so is its work. */
  readonly started: boolean;
  /** Aborted with a StopRequest that is already in the journal. */
  readonly stop: AbortSignal;
}

/** What must be written down before the runner goes on. Rejects when it could not be. */
export interface RunnerHooks {
  starting(): Promise<void>;
  /** The task runs. */
  running(): void;
  stopping(request: StopRequest): Promise<void>;
}

/** Runs one task to its end, or follows one that a former agent started. Never rejects: every way out is an Outcome. */
export async function runTask(ports: RunnerPorts, task: TaskRun, hooks: RunnerHooks): Promise<Outcome> {
  const { engine, logs } = ports;
  const { run } = task.task;
  let recording: Recording | null = null;
  try {
    const container = await getContainer(ports, task);
    if (container === null) return lostOutcome(task);
    if (container.state === 'created') {
      if (task.stop.aborted) return outcomeOfStop(requestOf(task.stop), null);
      await hooks.starting();
      // Between the record and the start lies an fsync: a stop that came in the meantime wins.
      if (task.stop.aborted) return outcomeOfStop(requestOf(task.stop), null);
      // Before the start: a task may have printed all it has to say before anybody could listen.
      recording = await persist(ports, () => logs.record(engine, run, 'created'));
      await persist(ports, () => engine.start(run.executionId));
    }
    recording ??= await persist(ports, () => logs.record(engine, run, container.state));
    hooks.running();
    const unseen = task.started && container.state === 'ended';
    return await follow(ports, { ...task, recording, unseen }, hooks, await deadlineOf(ports, task, container));
  } catch (error) {
    await recording?.finish().catch(() => {});
    // Whatever went wrong on the way: once a stop was asked for, that is what became of the execution.
    if (task.stop.aborted && !isUnreachable(error)) return outcomeOfStop(requestOf(task.stop), null);
    if (error instanceof EngineError) return { type: 'failed', failure: error.failure, output: null };
    return {
      type: 'failed',
      failure: makeFailure('infrastructure', 'Running Execution', errorText(error)),
      output: null,
    };
  }
}

async function getContainer(ports: RunnerPorts, { task, network, started, stop }: TaskRun): Promise<Container | null> {
  const { engine, env } = ports;
  const { run } = task;
  if (started) {
    const container = await persist(ports, () => engine.find(run.executionId));
    // Also one that was never started: its surroundings were made by a process that is gone, or before the machine's start.
    if (container !== null && container.state !== 'ended') {
      await persist(ports, async () => engine.resume?.(run, network));
    }
    return container;
  }
  stop.throwIfAborted();
  const provisions = { network, environment: environmentOf(run, env), mounts: [] };
  return engine.create(task, provisions, { signal: stop, pulled: () => {} });
}

/** A container that was started is gone, by somebody else's hand. Running its task again could do its work twice. */
function lostOutcome({ stop }: TaskRun): Outcome {
  if (stop.aborted) return outcomeOfStop(requestOf(stop), null);
  const failure = makeFailure(
    'infrastructure',
    'Running Execution',
    'the container is gone: it was removed while the agent was away',
  );
  return { type: 'failed', failure, output: null };
}

/** Milliseconds that are left to run; null means no limit. */
async function deadlineOf(
  { engine, clock }: RunnerPorts,
  { task: { run } }: TaskRun,
  container: Container,
): Promise<number | null> {
  // What ended by itself while no agent looked has done its work, however long it took.
  if (run.executionTimeoutMs === 0 || container.state === 'ended') return null;
  if (container.state === 'created') return run.executionTimeoutMs;
  const startedAt = container.startedAt ?? (await engine.find(run.executionId))?.startedAt ?? clock.now();
  return Math.max(0, run.executionTimeoutMs - Math.max(0, clock.now() - startedAt));
}

interface Followed extends TaskRun {
  readonly recording: Recording;
  /** It ended while no agent looked. */
  readonly unseen: boolean;
}

interface Watch {
  request: StopRequest | null;
  /** The engine went away while the task ran. */
  interrupted: boolean;
}

async function follow(ports: RunnerPorts, task: Followed, hooks: RunnerHooks, leftMs: number | null): Promise<Outcome> {
  const { engine, clock } = ports;
  const { executionId, executionTimeoutMs } = task.task.run;
  const watch: Watch = { request: null, interrupted: false };
  const ended = new AbortController();
  const kill = async (request: StopRequest, journalled: boolean): Promise<void> => {
    if (watch.request !== null || ended.signal.aborted) return;
    watch.request = request;
    // A journal that cannot be written must not keep the task alive.
    if (!journalled) await hooks.stopping(request).catch(() => {});
    await persist(ports, () => engine.stop(executionId, STOP_GRACE_MS), ended.signal).catch(() => {});
  };
  const onStop = (): void => void kill(requestOf(task.stop), true);
  const message = `Execution timed out after ${durationText(executionTimeoutMs)}`;
  const cancelDeadline =
    leftMs === null ? null : clock.after(leftMs, () => void kill({ kind: 'timeout', message }, false));
  task.stop.addEventListener('abort', onStop, { once: true });
  if (task.stop.aborted) onStop();
  try {
    const end = await persist(
      ports,
      () => engine.wait(executionId),
      undefined,
      () => (watch.interrupted = true),
    );
    ended.abort();
    return await conclude(ports, task, watch, end);
  } finally {
    ended.abort();
    cancelDeadline?.();
    task.stop.removeEventListener('abort', onStop);
  }
}

async function conclude(ports: RunnerPorts, task: Followed, watch: Watch, end: Ended): Promise<Outcome> {
  const { recording } = task;
  await persist(ports, () => recording.finish());
  const heads = recording.heads();
  if (watch.request !== null) return outcomeOfStop(watch.request, outputOf(heads, -1, watch.request.message));
  if (end.outOfMemory) {
    const hint = 'Ask for more with Resources.Memory.';
    const failure = makeFailure('environment', 'Running Execution', 'memory limit exceeded', hint);
    return { type: 'failed', failure, output: outputOf(heads, end.exitCode, failure.message) };
  }
  const lost = end.looksKilled ? await lossOf(ports, task, watch) : null;
  if (lost !== null) {
    const failure = makeFailure('infrastructure', 'Running Execution', lost);
    return { type: 'failed', failure, output: outputOf(heads, end.exitCode, failure.message) };
  }
  return { type: 'completed', output: outputOf(heads, end.exitCode, '') };
}

/**
 * Why a task that ended as killed ones do did not end by itself; null when it did. When the machine loses its power, Docker
 * and the agent go down together and nobody sees the end. Docker does not tell when it was started nor who sent a signal, so
 * whatever ended so while no agent looked counts as killed. A task that ends with such a code by itself, in just that
 * time, runs once more at nobody's cost; the other way round, work that was never done would be reported as done.
 */
async function lossOf({ engine }: RunnerPorts, { unseen, recording }: Followed, watch: Watch): Promise<string | null> {
  if (unseen) return 'the task was killed while the agent was away: the machine or its container engine went down';
  const interrupted = watch.interrupted || recording.wasInterrupted;
  if (interrupted || !(await engine.probe()).ready) return 'the container engine went away while the task ran';
  return null;
}

function outputOf(heads: Heads, exitCode: number, errorMessage: string): RunOutput {
  return { ...heads, exitCode, errorMessage };
}

function requestOf(signal: AbortSignal): StopRequest {
  return signal.reason as StopRequest;
}

function isUnreachable(error: unknown): boolean {
  return error instanceof EngineError && error.unreachable;
}

/**
 * Repeats what the engine did not answer, with a back-off, for a few minutes of silence; then its error comes through.
 * @param until ends the repeating early
 */
async function persist<T>(
  { clock }: RunnerPorts,
  ask: () => Promise<T>,
  until?: AbortSignal,
  onSilence: () => void = () => {},
): Promise<T> {
  let silentSince: number | null = null;
  for (let delayMs = ENGINE_RETRY_MS; ; delayMs = Math.min(delayMs * 2, MAX_ENGINE_RETRY_MS)) {
    const askedAt = clock.monotonic();
    try {
      return await ask();
    } catch (error) {
      if (!isUnreachable(error) || until?.aborted === true) throw error;
      const now = clock.monotonic();
      // A wait that broke after an hour was answered before: the silence begins now.
      if (silentSince === null || now - askedAt > ANSWERED_MS) silentSince = now;
      if (askedAt - silentSince > ENGINE_PATIENCE_MS) throw error;
    }
    onSilence();
    await pause(clock, delayMs, until);
  }
}
