import type { EpochMs, ExecutionId } from '../../schema/ids.ts';
import type { WorkerSettings } from '../../schema/settings.ts';
import type { SurvivingSession } from '../core/events/start.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './commit.ts';

/**
 * Everything the orchestrator reaches outside itself. The Durable Object implements it over sockets and its alarm; the
 * simulation over queues that it owns.
 */
export interface Ports extends Clock {
  readonly store: Store;
  /** A random uuid. */
  newId(): string;
  /** Sends one text frame; a socket that is gone is not an error, since everything is sent again when it matters. */
  send(session: string, frame: string): void;
  close(session: string, code: number, reason: string): void;
  /** Writes what must outlive the object's memory onto the session's socket. */
  attach(session: SurvivingSession, holdsWork: boolean): void;
  /** When the session was last heard, heartbeats included. */
  lastHeard(session: string): EpochMs;
  /** Sockets that have said hello, as their attachments tell. */
  survivors(): readonly SurvivingSession[];
  /**
   * @param at  null takes the alarm back
   * @param besidesLeases  the earliest deadline that is about more than a lease; null when there is none
   */
  armAlarm(at: EpochMs | null, besidesLeases: EpochMs | null): Promise<void>;
  /** When the alarm was due by the last turn that went well: null when nothing was, undefined when that is not known. */
  plannedAlarm(): Promise<EpochMs | null | undefined>;
  /** The token of an execution; absent where nothing is uploaded. */
  executionToken?(executionId: ExecutionId): Promise<string>;
  log(event: string, fields: Readonly<Record<string, unknown>>, level?: 'info' | 'warn' | 'error'): void;
}

/** Settings of an installation, for the Scheduler of one of its cells. */
export interface Settings extends WorkerSettings {
  readonly cell: string;
}
