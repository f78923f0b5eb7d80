import type { ExecutionId } from '../../../schema/ids.ts';
import type { Held } from '../../../schema/protocol/common.ts';
import type { ToAgent } from '../../../schema/protocol/to-agent.ts';
import type { Rng } from '../../sim/world/rng.ts';
import { completed, FakeAgent, type Outcome } from '../fake-agent.ts';
import { behaviourOf } from './plan.ts';

/** A report that has no answer is sent again after this time. */
const RESEND_MS = 400;
const DECLINES = 0.03;
const DIES_AT_RUN = 0.04;

/** One execution as the agent's journal has it; it is never forgotten, so that a late `run` starts nothing twice. */
interface Entry {
  readonly reports: Outcome[];
  declined: boolean;
  /** The last report that was acknowledged. */
  acked: number;
}

/**
 * An agent that does what the real one promises: it journals before it speaks, starts an execution once, repeats reports
 * until they are acknowledged and greets with what it holds. Its tasks last as long as their plan says.
 */
export class SeededAgent {
  readonly nodeId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** All that it was ever asked to run, also before it lost its journal. */
  readonly asked = new Set<ExecutionId>();
  readonly #rng: Rng;
  readonly #agent: FakeAgent;
  #journal = new Map<ExecutionId, Entry>();
  #instance = crypto.randomUUID();
  /** Empty until the Scheduler has greeted. */
  #session = '';
  #dialling: Promise<boolean> | null = null;
  #isOver = false;

  constructor(nodeId: string, labels: Readonly<Record<string, string>>, rng: Rng) {
    this.nodeId = nodeId;
    this.labels = labels;
    this.#rng = rng;
    this.#agent = new FakeAgent(nodeId);
    this.#agent.onFrame = (frame) => this.#take(frame);
    void this.#repeat();
  }

  get isConnected(): boolean {
    return this.#session !== '' && this.#agent.closed === null;
  }

  /** What runs here. */
  get running(): ExecutionId[] {
    return [...this.#journal].filter(([, entry]) => isLive(entry)).map(([id]) => id);
  }

  /** Dials unless it is connected; false when the Scheduler closed on it. */
  async connect(): Promise<boolean> {
    if (this.isConnected) return true;
    this.#dialling ??= this.#dial().finally(() => (this.#dialling = null));
    return this.#dialling;
  }

  async #dial(): Promise<boolean> {
    this.#agent.frames.length = 0;
    this.#session = '';
    const holds = [...this.#journal].flatMap(([executionId, entry]) => held(executionId, entry));
    await this.#agent
      .connect(holds, { labels: this.labels, agentInstance: this.#instance })
      .catch(() => this.disconnect());
    return this.isConnected;
  }

  /** The connection breaks; what runs goes on. */
  disconnect(): void {
    this.#agent.close();
  }

  /** The process dies and its journal with it; its tasks are gone. */
  loseJournal(): void {
    this.disconnect();
    this.#journal = new Map();
    this.#instance = crypto.randomUUID();
  }

  end(): void {
    this.#isOver = true;
    this.disconnect();
  }

  #take(frame: ToAgent): void {
    if (frame.type === 'welcome') {
      this.#session = frame.session;
      this.#resend();
    }
    // Of a session before this one.
    if (frame.session !== this.#session) return;
    if (frame.type === 'run') this.#run(frame);
    if (frame.type === 'stop') this.#stop(frame.executionId);
    if (frame.type === 'ackReport') {
      const entry = this.#journal.get(frame.executionId);
      if (entry !== undefined) entry.acked = Math.max(entry.acked, frame.seq);
    }
  }

  #run(frame: Extract<ToAgent, { type: 'run' }>): void {
    const { executionId } = frame;
    this.asked.add(executionId);
    const known = this.#journal.get(executionId);
    if (known !== undefined) {
      if (known.declined) return this.#decline(executionId);
      if (isLive(known)) return this.#agent.ack(frame);
      return this.#agent.report(frame, known.reports.length, known.reports.at(-1) ?? completed);
    }
    const entry: Entry = { reports: [], declined: this.#rng.chance(DECLINES), acked: 0 };
    this.#journal.set(executionId, entry);
    if (entry.declined) return this.#decline(executionId);
    const { runMs, failRate } = behaviourOf(frame.task);
    const end = this.#rng.chance(failRate) ? failed(this.#rng) : completed;
    if (this.#rng.chance(DIES_AT_RUN)) this.disconnect();
    else this.#agent.ack(frame);
    this.#report(executionId, entry, { state: 'Running' });
    if (runMs !== null) setTimeout(() => this.#report(executionId, entry, end), runMs);
  }

  #decline(executionId: ExecutionId): void {
    this.#agent.send({ type: 'reject', executionId, reason: 'not today' });
  }

  #stop(executionId: ExecutionId): void {
    const entry = this.#journal.get(executionId) ?? { reports: [], declined: false, acked: 0 };
    this.#journal.set(executionId, entry);
    if (isLive(entry)) this.#report(executionId, entry, { state: 'Cancelled', message: 'stopped' });
    else this.#resend();
  }

  /** @param entry  of the journal that the task was started by, which may be lost by now */
  #report(executionId: ExecutionId, entry: Entry, outcome: Outcome): void {
    if (!isLive(entry) || this.#journal.get(executionId) !== entry) return;
    entry.reports.push(outcome);
    if (this.isConnected) this.#agent.report({ executionId }, entry.reports.length, outcome);
  }

  #resend(): void {
    for (const [executionId, { reports, acked }] of this.#journal) {
      for (let seq = acked + 1; seq <= reports.length; seq++) {
        const outcome = reports[seq - 1];
        if (outcome !== undefined) this.#agent.report({ executionId }, seq, outcome);
      }
    }
  }

  async #repeat(): Promise<void> {
    while (!this.#isOver) {
      await new Promise((resolve) => setTimeout(resolve, RESEND_MS));
      if (this.isConnected) this.#resend();
    }
  }
}

function isLive({ declined, reports }: Entry): boolean {
  const last = reports.at(-1)?.state;
  return !declined && (last === undefined || last === 'Running');
}

/** What a `hello` says of it: nothing once its end is acknowledged. */
function held(executionId: ExecutionId, entry: Entry): Held[] {
  const { declined, reports, acked } = entry;
  if (declined || (!isLive(entry) && acked >= reports.length)) return [];
  return [{ executionId, state: reports.at(-1)?.state ?? 'BidAccepted', lastSeq: reports.length }];
}

function failed(rng: Rng): Outcome {
  const failureClass = rng.pick(['environment', 'permanent'] as const);
  const failure = { class: failureClass, message: 'as planned', hint: '', topic: 'Exec' };
  return { state: 'Failed', failure, output: null };
}
