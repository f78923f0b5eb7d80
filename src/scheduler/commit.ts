import { backoffMs } from '../../schema/backoff.ts';
import type { ClearFailure } from '../store/failure.ts';
import type { Batch, CommitOutcome, FenceRow, Store } from '../store/store.ts';

/** How a commit ended, for sure. */
export type Committed =
  | { readonly type: 'committed'; readonly databaseBytes: number; readonly pruned: number }
  /** Another Scheduler took over: nothing of ours may be written any more. */
  | { readonly type: 'fenced' }
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'unwritable'; readonly failure: ClearFailure; readonly reason: string };

/** The database has not answered for too long; whether the batch was written is not known. */
export class StoreSilent extends Error {
  override readonly name = 'StoreSilent';
}

/** How long the database may say nothing. */
export const SILENCE_MS = 30_000;
const PAUSES = { firstMs: 50, mostMs: 5_000 };

/** Time as the shell gives it. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** The promise's value, or undefined when it takes longer than `ms`. */
  within<T>(promise: Promise<T>, ms: number): Promise<T | undefined>;
}

/**
 * Commits a batch and makes its outcome known. When the answer was lost the fence row tells: our commit id means that it
 * was written; the sequence number before it means that it was not, and the same batch is sent again, which cannot write
 * twice because its guard names that number.
 * @throws StoreSilent when the database does not answer for 30 s
 */
export async function commitForSure(store: Store, batch: Batch, clock: Clock): Promise<Committed> {
  const until = clock.now() + SILENCE_MS;
  for (let sends = 1; ; sends++) {
    const outcome = await clock.within(store.commit(batch), until - clock.now());
    if (outcome?.type === 'committed' || (isRefusal(outcome) && sends === 1)) return outcome;
    const fence = await readFence(store, batch.cell, { until, clock });
    if (fence.epoch !== batch.epoch) return { type: 'fenced' };
    if (fence.commitId === batch.commitId) return { type: 'committed', databaseBytes: 0, pruned: 0 };
    if (fence.commitSeq !== batch.commitSeq) return { type: 'fenced' };
    // It is refused now, but one that was sent before may still arrive.
    if (isRefusal(outcome)) throw new StoreSilent(`the outcome is not known: ${outcome.reason}`);
    await clock.sleep(backoffMs(PAUSES, sends - 1));
    if (clock.now() >= until) throw new StoreSilent('the database does not answer');
  }
}

type Refusal = Extract<CommitOutcome, { type: 'refused' | 'unwritable' }>;

function isRefusal(outcome: CommitOutcome | undefined): outcome is Refusal {
  return outcome?.type === 'refused' || outcome?.type === 'unwritable';
}

async function readFence(
  store: Store,
  cell: string,
  { until, clock }: { until: number; clock: Clock },
): Promise<FenceRow> {
  for (let failed = 0; clock.now() < until; failed++) {
    const row = await clock.within(store.readFence(cell), until - clock.now()).catch(() => undefined);
    if (row !== undefined && row !== null) return row;
    await clock.sleep(backoffMs(PAUSES, failed));
  }
  throw new StoreSilent('the database does not answer');
}
