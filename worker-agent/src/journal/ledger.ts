import type { ExecutionId } from '@shoal/schema/ids';
import type { Phases } from '@shoal/schema/phases';
import type { Report } from '@shoal/schema/protocol/from-agent';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import type { ContainerNetwork, Ended } from '../engines/engine.ts';
import type { JournalRecord, StopRequest } from './records.ts';

/** What the journal knows of one execution. */
export type Entry =
  | {
      readonly state: 'live';
      readonly run: RunSpec;
      readonly network: ContainerNetwork;
      /** The container may have been started. */
      readonly started: boolean;
      /** How it ended; null while nobody saw it. */
      readonly ran: Ended | null;
      readonly phases: Phases;
      readonly stop: StopRequest | null;
    }
  | { readonly state: 'ended'; readonly report: Report; readonly acknowledged: boolean; readonly at: number }
  | { readonly state: 'rejected'; readonly reason: string; readonly at: number };

const KEEP_MS = 7 * 24 * 3_600_000;
/** What finished entries may take, in characters of JSON; beyond it the oldest go before their seven days. */
const MAX_KEPT_CHARS = 64 * 1024 * 1024;

/** The journal's contents in memory: the fold of its records. Pure: no files, no clock. */
export class Ledger {
  readonly #entries = new Map<ExecutionId, Entry>();
  /** Finished entries that nobody waits for, oldest first, with their size. */
  readonly #kept = new Map<ExecutionId, number>();
  readonly #maxKeptChars: number;
  #keptChars = 0;

  constructor(maxKeptChars: number = MAX_KEPT_CHARS) {
    this.#maxKeptChars = maxKeptChars;
  }

  get entries(): ReadonlyMap<ExecutionId, Entry> {
    return this.#entries;
  }

  apply(record: JournalRecord): void {
    const { executionId } = record;
    const entry = this.#entries.get(executionId);
    switch (record.type) {
      case 'taken':
        if (entry === undefined) this.#entries.set(executionId, live(record.run, record.network));
        return;
      case 'starting':
        if (entry?.state === 'live') {
          const { phases = entry.phases } = record;
          this.#entries.set(executionId, { ...entry, started: true, phases });
        }
        return;
      case 'ran':
        if (entry?.state === 'live') {
          this.#entries.set(executionId, { ...entry, ran: record.end, phases: record.phases });
        }
        return;
      case 'stopping':
        if (entry?.state === 'live' && entry.stop === null) {
          this.#entries.set(executionId, { ...entry, stop: record.request });
        }
        return;
      case 'ended':
        if (entry?.state === 'ended') return;
        this.#unkeep(executionId);
        this.#entries.set(executionId, { state: 'ended', report: record.report, acknowledged: false, at: record.at });
        return;
      case 'rejected':
        if (entry !== undefined) return;
        this.#keep(executionId, { state: 'rejected', reason: record.reason, at: record.at });
        return;
      case 'acknowledged':
        if (entry?.state === 'ended' && !entry.acknowledged && entry.report.seq === record.seq) {
          this.#keep(executionId, { ...entry, acknowledged: true });
        }
        return;
      case 'forgotten':
        if (entry?.state === 'live') this.#entries.delete(executionId);
        return;
    }
  }

  /** Drops what was finished seven days before `now`. */
  prune(now: number): void {
    for (const id of this.#kept.keys()) {
      const entry = this.#entries.get(id);
      if (entry !== undefined && entry.state !== 'live' && entry.at > now - KEEP_MS) return;
      this.#forget(id);
    }
  }

  /** The shortest list of records that folds to these entries. */
  *records(): Generator<JournalRecord> {
    for (const [executionId, entry] of this.#entries) yield* recordsOf(executionId, entry);
  }

  #keep(id: ExecutionId, entry: Entry): void {
    const chars = JSON.stringify(entry).length + id.length;
    this.#entries.set(id, entry);
    this.#kept.set(id, chars);
    this.#keptChars += chars;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptChars <= this.#maxKeptChars || oldest === id) return;
      this.#forget(oldest);
    }
  }

  #unkeep(id: ExecutionId): void {
    this.#keptChars -= this.#kept.get(id) ?? 0;
    this.#kept.delete(id);
  }

  #forget(id: ExecutionId): void {
    this.#unkeep(id);
    this.#entries.delete(id);
  }
}

function live(run: RunSpec, network: ContainerNetwork): Entry {
  return { state: 'live', run, network, started: false, ran: null, phases: {}, stop: null };
}

function* recordsOf(executionId: ExecutionId, entry: Entry): Generator<JournalRecord> {
  switch (entry.state) {
    case 'live':
      yield { type: 'taken', executionId, run: entry.run, network: entry.network };
      if (entry.started) yield { type: 'starting', executionId, phases: entry.phases };
      if (entry.ran !== null) yield { type: 'ran', executionId, end: entry.ran, phases: entry.phases };
      if (entry.stop !== null) yield { type: 'stopping', executionId, request: entry.stop };
      return;
    case 'ended':
      yield { type: 'ended', executionId, report: entry.report, at: entry.at };
      if (entry.acknowledged) yield { type: 'acknowledged', executionId, seq: entry.report.seq };
      return;
    case 'rejected':
      yield { type: 'rejected', executionId, reason: entry.reason, at: entry.at };
      return;
  }
}
