import { makeFailure, type Failure } from '@shoal/schema/protocol/common';
import type { Phases } from '@shoal/schema/phases';
import type { ContainerNetwork, Examined } from '../engines/engine.ts';
import type { StopRequest } from '../journal/records.ts';
import { errorText, StepError } from '../ports.ts';
import { findByType } from './kinds.ts';
import { outcomeOfStop, type Outcome } from './outcome.ts';
import { isUnreachable } from './persist.ts';
import { isUntouched, type Adopted, type Life, type RunnerHooks, type Step, type StepPorts } from './steps/step.ts';
import { steps } from './steps/steps.ts';

export interface TaskRun {
  readonly task: Examined;
  readonly network: ContainerNetwork;
  readonly adopted: Adopted;
  /** Aborted with a StopRequest that is already in the journal. */
  readonly stop: AbortSignal;
}

/** How an execution ended, and how long each of its phases took, in ms. */
export interface Ran {
  readonly outcome: Outcome;
  readonly phases: Phases;
}

/** Takes one task through the steps, or goes on where a former agent was. Never rejects: every way out is an Outcome. */
export async function runTask(ports: StepPorts, taskRun: TaskRun, hooks: RunnerHooks): Promise<Ran> {
  const life: Life = {
    ...{ ports, hooks, ...taskRun },
    phases: { ...taskRun.adopted.phases },
    mounts: [],
    container: null,
    isStarted: false,
    recording: null,
    end: null,
    output: null,
    folder: null,
    outcome: null,
  };
  const failure = taskRun.adopted.started ? null : failureOf(life);
  if (failure !== null) life.outcome = { type: 'failed', failure, output: null };
  for (const step of steps) {
    if (life.outcome !== null && life.outcome.type !== 'completed') break;
    if (!step.applies(life)) continue;
    await takeStep(step, life);
  }
  return { outcome: life.outcome ?? endedBy(life, new Error('no step said how it ended'), null), phases: life.phases };
}

/** What is wrong with a task that no node could run, known before anything is made. */
function failureOf({ task, ports }: Life): Failure | null {
  const { InputSources = [], Publisher } = task.run.task;
  const ofInputs = (InputSources ?? []).map(
    ({ Source }) => findByType(ports.inputs, Source.Type)?.examine(Source.Params ?? {}) ?? null,
  );
  const ofPublisher = findByType(ports.publishers, Publisher.Type)?.examine(Publisher.Params ?? {}) ?? null;
  return [task.failure, ...ofInputs, ofPublisher].find((failure) => failure !== null) ?? null;
}

async function takeStep(step: Step, life: Life): Promise<void> {
  const { clock } = life.ports;
  try {
    if (isStopped(life)) return;
    const record = step.record?.(life) ?? null;
    if (record !== null) await life.hooks.record(record);
    // Between the record and the step lies an fsync: a stop that came in the meantime wins.
    if (record !== null && isStopped(life)) return;
    const startedAt = clock.monotonic();
    const pulledBefore = life.phases.pull ?? 0;
    try {
      await step.prepare(life);
    } finally {
      const pulledMs = (life.phases.pull ?? 0) - pulledBefore;
      addPhase(life, step, clock.monotonic() - startedAt - pulledMs);
    }
  } catch (error) {
    await life.recording?.finish().catch(() => {});
    life.outcome = endedBy(life, error, step);
  }
}

function addPhase({ phases }: Life, { phase }: Step, ms: number): void {
  phases[phase] = (phases[phase] ?? 0) + Math.max(0, Math.round(ms));
}

/** A stop before anything of the task has run leaves nothing to wait for. */
function isStopped(life: Life): boolean {
  if (!life.stop.aborted || !isUntouched(life)) return false;
  life.outcome = outcomeOfStop(life.stop.reason as StopRequest, null);
  return true;
}

function endedBy({ stop, output }: Life, error: unknown, step: Step | null): Outcome {
  // Whatever went wrong on the way: once a stop was asked for, that is what became of the execution.
  if (stop.aborted && !isUnreachable(error)) return outcomeOfStop(stop.reason as StopRequest, output);
  if (error instanceof StepError) return { type: 'failed', failure: error.failure, output };
  const { failureClass = 'infrastructure', topic = 'Running Execution' } = step ?? {};
  return { type: 'failed', failure: makeFailure(failureClass, topic, errorText(error)), output };
}
