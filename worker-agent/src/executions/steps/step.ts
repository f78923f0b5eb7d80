import type { ExecutionId } from '@shoal/schema/ids';
import type { FailureTopic } from '@shoal/schema/protocol/common';
import type { Phase, Phases } from '@shoal/schema/phases';
import type { FailureClass, RunOutput } from '@shoal/schema/records';
import type { Container, ContainerNetwork, Ended, Engine, Examined, Mount } from '../../engines/engine.ts';
import type { Input } from '../../inputs/input.ts';
import type { JournalRecord, StopRequest } from '../../journal/records.ts';
import type { LogRecorder, Recording } from '../../logs/recorder.ts';
import type { Clock } from '../../ports.ts';
import type { Publisher } from '../../publishers/publisher.ts';
import type { WorkFolders } from '../folders.ts';
import type { Outcome } from '../outcome.ts';

/** What a step may use of the agent. */
export interface StepPorts {
  readonly engine: Engine;
  readonly clock: Clock;
  /** Writes down what tasks print. */
  readonly logs: LogRecorder;
  /** The node's variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly inputs: readonly Input[];
  readonly publishers: readonly Publisher[];
  /** Null where tasks have nothing on this machine's disk. */
  readonly folders: WorkFolders | null;
}

/** What must be written down before a step goes on. Rejects when it could not be. */
export interface RunnerHooks {
  record(record: StepRecord): Promise<void>;
  /** The task runs. */
  running(): void;
  stopping(request: StopRequest): Promise<void>;
}

/** What a step writes into the journal before it has an effect that must not be had twice. */
export type StepRecord = Extract<JournalRecord, { type: 'starting' | 'ran' }>;

/** What the journal says of a task that a former agent had in hand. */
export interface Adopted {
  /** The container may have been started: if it is gone, so is its work. */
  readonly started: boolean;
  /** Its end as a former agent saw it. */
  readonly ran: Ended | null;
  readonly phases: Phases;
}

/** One execution on its way through the steps, in this process. */
export interface Life {
  readonly ports: StepPorts;
  readonly hooks: RunnerHooks;
  readonly task: Examined;
  readonly network: ContainerNetwork;
  readonly adopted: Adopted;
  /** Aborted with a StopRequest that is already in the journal. */
  readonly stop: AbortSignal;
  /** How long each phase took up to now, in ms. */
  readonly phases: { -readonly [phase in Phase]?: number };
  readonly mounts: Mount[];
  /** As it was found or made. */
  container: Container | null;
  /** This process has asked the engine to start it. */
  isStarted: boolean;
  recording: Recording | null;
  /** How the container ended, and whether something but the task ended it. */
  end: RunEnd | null;
  output: RunOutput | null;
  folder: string | null;
  /** Once it is known, what follows but publishing is left out. */
  outcome: Outcome | null;
}

export interface RunEnd {
  readonly ended: Ended;
  /** Why the task was ended before its own end; null when it was not. */
  readonly request: StopRequest | null;
  /** Why it did not end by itself, though nobody asked for that; null when it did. */
  readonly lost: string | null;
}

export type StepName = 'inputs' | 'create' | 'start' | 'run' | 'collect' | 'publish';

/** One step in the life of an execution. */
export interface Step {
  readonly name: StepName;
  /** Which part of the execution's time it is told as. */
  readonly phase: Phase;
  /** What a failure is that does not say it itself. */
  readonly failureClass: FailureClass;
  readonly topic: FailureTopic;
  /** False where there is nothing to do: it is left out, with its record. */
  applies(life: Life): boolean;
  /** Durable before `prepare`; absent or null where a step that is repeated does no harm. */
  record?(life: Life): StepRecord | null;
  /** Rejects with a `StepError`, or with anything else for a failure of its class. */
  prepare(life: Life): Promise<void>;
  /** Takes away what it made, in whichever process: after the end is durable, in the reverse order. May be repeated. */
  undo?(ports: Pick<StepPorts, 'engine' | 'folders'>, executionId: ExecutionId): Promise<void>;
}

/** Nothing of the task has run yet. */
export function isUntouched({ container, adopted, isStarted }: Life): boolean {
  return container === null ? !adopted.started : container.state === 'created' && !isStarted;
}
