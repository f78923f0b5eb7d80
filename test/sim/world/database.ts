import type { EpochMs, JobId } from '../../../schema/ids.ts';
import type { Loaded } from '../../../src/core/world.ts';
import type { JobRecord } from '../../../schema/records.ts';
import { MemoryStore } from '../../../src/store/memory-store.ts';
import type {
  Batch,
  CommitOutcome,
  FenceRow,
  JobNameKey,
  SpecKey,
  TokenKey,
  TokenUse,
  Store,
} from '../../../src/store/store.ts';
import type { JobSpec } from '../../../schema/job/job.ts';
import type { Base } from './base.ts';

/** Who asks: a Scheduler that may have been cut off in the meantime. */
export interface Caller {
  readonly name: string;
  /** False once nothing that it does may have an effect. */
  isAlive(): boolean;
  /** One more step of it; it may die of it. */
  step(): void;
}

const never = <T>(): Promise<T> => new Promise<T>(() => {});

/** D1 as the simulator owns it: rows in memory behind a network that is slow, loses answers and goes away for minutes. */
export class Database {
  readonly rows = new MemoryStore();
  awayUntil = 0;
  /** Called around every batch that is written. */
  onCommit: (batch: Batch, write: () => CommitOutcome) => CommitOutcome = (_, write) => write();
  readonly #base: Base;

  constructor(base: Base) {
    this.#base = base;
  }

  storeFor(caller: Caller): Store {
    return new SimStore(this.#base, this, caller);
  }

  get isAway(): boolean {
    return this.#base.timeline.now < this.awayUntil;
  }

  /** How long a call takes, one way. */
  latency(): number {
    const { rng, weather } = this.#base;
    if (rng.chance(weather.storeSlow)) {
      this.#base.fault('store slow');
      return rng.int(100, 3_000);
    }
    return rng.int(1, 6);
  }

  /** A read that anybody may make: an answer after a while, or an error. */
  read<T>(look: () => T): Promise<T> {
    const { timeline, rng, weather } = this.#base;
    const fails = this.isAway || rng.chance(weather.readFails);
    if (fails) this.#base.fault(this.isAway ? 'store away' : 'read fails');
    return new Promise((resolve, reject) => {
      timeline.after(this.latency(), () => {
        if (fails) reject(new Error('D1_ERROR: network connection lost'));
        else resolve(look());
      });
    });
  }

  write(batch: Batch): CommitOutcome {
    return this.onCommit(batch, () => this.rows.commitNow(batch));
  }
}

/** The store as one Scheduler sees it. */
class SimStore implements Store {
  readonly #base: Base;
  readonly #database: Database;
  readonly #caller: Caller;

  constructor(base: Base, database: Database, caller: Caller) {
    this.#base = base;
    this.#database = database;
    this.#caller = caller;
  }

  open(cell: string, now: EpochMs): Promise<{ loaded: Loaded; fence: FenceRow }> {
    const { rng, weather } = this.#base;
    const lost = rng.chance(weather.readFails);
    // All that is active takes a while to read.
    const begun = new Promise<void>((resolve) => this.#base.timeline.after(rng.int(0, 60), resolve));
    return this.#ask(async () => {
      const opened = await this.#database.rows.open(cell, now);
      this.#base.totals.count('store open');
      this.#base.trace.line(`${this.#caller.name} opens epoch ${opened.fence.epoch}`);
      if (!lost) return opened;
      this.#base.fault('open answer lost');
      throw new Error('D1_ERROR: network connection lost');
    }, begun);
  }

  commit(batch: Batch): Promise<CommitOutcome> {
    this.#caller.step();
    const { timeline } = this.#base;
    if (!this.#caller.isAlive()) return never();
    const fate = this.#fate();
    const arrives = this.#database.latency();
    return new Promise((resolve) => {
      const answer = (outcome: CommitOutcome) =>
        timeline.after(this.#database.latency(), () => {
          this.#caller.step();
          if (this.#caller.isAlive()) resolve(outcome);
        });
      timeline.after(arrives, () => {
        // A request that is under way when its sender dies may still arrive.
        if (!this.#caller.isAlive() && this.#base.rng.chance(0.5)) return;
        this.#arrive(batch, fate, answer);
      });
    });
  }

  readFence(cell: string): Promise<FenceRow | null> {
    return this.#ask(() => this.#database.rows.readFence(cell));
  }

  findJobs(ids: readonly JobId[], names: readonly JobNameKey[]): Promise<readonly JobRecord[]> {
    return this.#ask(() => this.#database.rows.findJobs(ids, names));
  }

  findCommands(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#ask(() => this.#database.rows.findCommands(ids));
  }

  findTokens(keys: readonly TokenKey[], now: EpochMs): Promise<readonly TokenUse[]> {
    return this.#ask(() => this.#database.rows.findTokens(keys, now));
  }

  /** Read once an object's life; its failures are those of any other read. */
  orchestratorId(): Promise<string> {
    return this.#database.rows.orchestratorId();
  }

  findSpecs(keys: readonly SpecKey[]): Promise<ReadonlyMap<string, JobSpec>> {
    return this.#ask(() => this.#database.rows.findSpecs(keys));
  }

  #arrive(batch: Batch, fate: Fate, answer: (outcome: CommitOutcome) => void): void {
    const unclear: CommitOutcome = { type: 'unknown', reason: 'D1_ERROR: network connection lost' };
    if (fate !== 'good') this.#base.fault(`commit ${fate}`, this.#caller.name);
    switch (fate) {
      case 'good':
        return answer(this.#database.write(batch));
      case 'away':
      case 'fails before':
        return answer(unclear);
      case 'fails after':
        this.#database.write(batch);
        return answer(unclear);
      case 'late':
        this.#base.timeline.after(this.#base.rng.int(20, 8_000), () => void this.#database.write(batch));
        return answer(unclear);
      case 'refused':
        return answer({ type: 'refused', reason: 'SQLITE_ERROR: this batch is not liked' });
      case 'silent before':
        return;
      case 'silent after':
        this.#database.write(batch);
    }
  }

  #fate(): Fate {
    const { rng, weather } = this.#base;
    if (this.#database.isAway) return rng.chance(0.3) ? 'silent before' : 'away';
    if (rng.chance(weather.commitFailsBefore)) return 'fails before';
    if (rng.chance(weather.commitFailsAfter)) return 'fails after';
    if (rng.chance(weather.commitLate)) return 'late';
    if (rng.chance(weather.commitRefused)) return 'refused';
    if (rng.chance(weather.commitSilent)) return rng.chance(0.5) ? 'silent before' : 'silent after';
    return 'good';
  }

  async #ask<T>(look: () => Promise<T>, begun: Promise<void> = Promise.resolve()): Promise<T> {
    this.#caller.step();
    await begun;
    if (!this.#caller.isAlive()) return never();
    const looked = await this.#database.read(look).finally(() => this.#caller.step());
    return this.#caller.isAlive() ? looked : never();
  }
}

type Fate = 'good' | 'away' | 'fails before' | 'fails after' | 'late' | 'refused' | 'silent before' | 'silent after';
