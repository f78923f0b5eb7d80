import { durationText } from '@shoal/schema/format';
import type { Container, Ended } from '../../engines/engine.ts';
import type { StopRequest } from '../../journal/records.ts';
import { persist } from '../persist.ts';
import type { Life, RunEnd, Step } from './step.ts';

/** SIGTERM, then SIGKILL after this time. Short: a stop is an order, and an agent that stops has ten seconds. */
const STOP_GRACE_MS = 2_000;

/** Follows the task to its end, which is its own, or a stop, or its timeout. */
export const run: Step = {
  name: 'run',
  phase: 'run',
  failureClass: 'infrastructure',
  topic: 'Running Execution',
  applies: ({ container }) => container !== null,
  prepare: async (life) => {
    const { container, ports, adopted, task } = life;
    if (container === null) return;
    life.recording ??= await persist(ports.clock, () => ports.logs.record(ports.engine, task.run, container.state));
    life.hooks.running();
    life.end = adopted.ran === null ? await follow(life, container) : { ended: adopted.ran, request: null, lost: null };
  },
};

interface Watch {
  request: StopRequest | null;
  /** The engine went away while the task ran. */
  interrupted: boolean;
}

async function follow(life: Life, container: Container): Promise<RunEnd> {
  const { ports, task, stop, hooks } = life;
  const { engine, clock } = ports;
  const { executionId, executionTimeoutMs } = task.run;
  const leftMs = await timeLeft(life, container);
  const watch: Watch = { request: null, interrupted: false };
  const ended = new AbortController();
  const kill = async (request: StopRequest, journalled: boolean): Promise<void> => {
    if (watch.request !== null || ended.signal.aborted) return;
    watch.request = request;
    // A journal that cannot be written must not keep the task alive.
    if (!journalled) await hooks.stopping(request).catch(() => {});
    await persist(clock, () => engine.stop(executionId, STOP_GRACE_MS), ended.signal).catch(() => {});
  };
  const onStop = (): void => void kill(stop.reason as StopRequest, true);
  const message = `Execution timed out after ${durationText(executionTimeoutMs)}`;
  const cancelDeadline =
    leftMs === null ? null : clock.after(leftMs, () => void kill({ kind: 'timeout', message }, false));
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    const end = await persist(
      clock,
      () => engine.wait(executionId),
      undefined,
      () => (watch.interrupted = true),
    );
    ended.abort();
    const isUnseen = life.adopted.started && container.state === 'ended';
    return { ended: end, request: watch.request, lost: await lossOf(life, end, { ...watch, isUnseen }) };
  } finally {
    ended.abort();
    cancelDeadline?.();
    stop.removeEventListener('abort', onStop);
  }
}

/** Milliseconds that are left to run; null means no limit. */
async function timeLeft({ ports, task }: Life, container: Container): Promise<number | null> {
  const { engine, clock } = ports;
  const { executionId, executionTimeoutMs } = task.run;
  // What ended by itself while no agent looked has done its work, however long it took.
  if (executionTimeoutMs === 0 || container.state === 'ended') return null;
  if (container.state === 'created') return executionTimeoutMs;
  const startedAt = container.startedAt ?? (await engine.find(executionId))?.startedAt ?? clock.now();
  return Math.max(0, executionTimeoutMs - Math.max(0, clock.now() - startedAt));
}

/**
 * Why a task that ended as killed ones do did not end by itself; null when it did. When the machine loses its power, Docker
 * and the agent go down together and nobody sees the end. Docker does not tell when it was started nor who sent a signal, so
 * whatever ended so while no agent looked counts as killed. A task that ends with such a code by itself, in just that
 * time, runs once more at nobody's cost; the other way round, work that was never done would be reported as done.
 */
async function lossOf(
  { ports, recording }: Life,
  { looksKilled, outOfMemory }: Ended,
  { request, interrupted, isUnseen }: Watch & { readonly isUnseen: boolean },
): Promise<string | null> {
  if (request !== null || outOfMemory || !looksKilled) return null;
  if (isUnseen) return 'the task was killed while the agent was away: the machine or its container engine went down';
  const wasInterrupted = interrupted || recording?.wasInterrupted === true;
  if (wasInterrupted || !(await ports.engine.probe()).ready) return 'the container engine went away while the task ran';
  return null;
}
