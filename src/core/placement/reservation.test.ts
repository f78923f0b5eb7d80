import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExecutionId, JobId } from '../../../schema/ids.ts';
import { FIRST_HOLD_MS, LONGEST_HOLD_MS, RESERVE_AFTER_MS } from '../../../schema/limits.ts';
import { cancelled, completed, CoreHarness, type SubmitOptions } from '../../../test/harness/core.ts';
import type { AgentFrame } from '../decide.ts';
import type { Session } from '../world.ts';

const cpus = (cpu: number) => ({ resources: { cpu, memory: 1, disk: 0, gpu: 0 } });
const small: SubmitOptions = { needs: cpus(0.5) };
/** Takes a whole node of these tests. */
const big: SubmitOptions = { needs: cpus(2) };

/** Nodes that are always heard, and tasks that take what they take. */
class Cluster extends CoreHarness {
  readonly sessions = new Map<string, Session>();
  /** When each started execution ends; those of endless tasks are not in it. */
  readonly #ends: { readonly at: number; readonly id: ExecutionId; readonly nodeId: string }[] = [];
  readonly #begun = new Set<ExecutionId>();
  /** How long a task of this job runs, ms. */
  readonly lengths = new Map<JobId, number>();

  constructor(...names: string[]) {
    super();
    for (const name of names) this.connect(name);
  }

  connect(name: string, cpu = 2): Session {
    const session = this.join(name, { capacity: { cpu } });
    this.sessions.set(name, session);
    this.#keepHeard(session);
    return session;
  }

  override frame(session: Session, frame: AgentFrame): void {
    super.frame(session, frame);
    this.#keepHeard(session);
  }

  #keepHeard({ nodeId }: Session): void {
    this.heard.set(nodeId, this.now + 1e9);
  }

  /** Submits a job whose tasks run for so long, for ever by default. */
  run(options: SubmitOptions, ms = Infinity): JobId {
    const { jobId } = this.submit(options);
    this.lengths.set(jobId, ms);
    this.begin();
    return jobId;
  }

  /** Its nodes take what they were given. */
  begin(): void {
    for (const e of this.executions.values()) {
      if (e.computeState !== 'New' || this.#begun.has(e.id)) continue;
      this.#begun.add(e.id);
      this.ack(this.#session(e.nodeId), e.id);
      const length = this.lengths.get(e.jobId) ?? Infinity;
      if (length < Infinity) this.#ends.push({ at: this.now + length, id: e.id, nodeId: e.nodeId });
    }
  }

  /** Lets so much time pass, tasks ending in it. @param each  called after whatever happened */
  pass(ms: number, each: () => void = () => {}): void {
    const until = this.now + ms;
    for (;;) {
      this.begin();
      each();
      this.#ends.sort((a, b) => a.at - b.at);
      const next = Math.min(this.world.timers.next() ?? Infinity, this.#ends[0]?.at ?? Infinity);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      const due = this.#ends[0]?.at === next ? this.#ends.shift() : undefined;
      if (due === undefined) this.turn({ type: 'wake' });
      else this.report(this.#session(due.nodeId), due.id, 1, completed());
    }
    this.now = until;
  }

  started(jobId: JobId): boolean {
    return this.executionsOf(jobId).some((e) => e.computeState !== 'AskForBidRejected');
  }

  decline(jobId: JobId, reason = 'no'): void {
    for (const { id, nodeId } of this.executionsOf(jobId)) {
      this.frame(this.#session(nodeId), { type: 'reject', executionId: id, reason });
    }
  }

  end(jobId: JobId): void {
    for (const e of this.executionsOf(jobId)) {
      if (e.desiredState === 'Stopped') this.report(this.#session(e.nodeId), e.id, 1, cancelled);
    }
  }

  #session(nodeId: string): Session {
    const session = this.sessions.get(nodeId);
    if (session === undefined) throw new Error(`no session of ${nodeId}`);
    return session;
  }
}

describe('no room is kept where the job could not run', () => {
  test.for<[string, SubmitOptions]>([
    ['a job that its node declines', small],
    ['a job of the whole node that its node declines', big],
    ['a service that its node declines', { ...small, type: 'service' }],
    ['a job of many partitions that its node declines', { ...small, count: 5 }],
  ])('%s', ([, options]) => {
    const core = new Cluster('n-a');
    const head = core.submit(options).jobId;
    core.decline(head);
    core.pass(RESERVE_AFTER_MS + 1_000);
    expect(core.world.queue.has(head)).toBe(true);
    expect(core.world.reservations.hold).toBeNull();
    const behind = Array.from({ length: 4 }, () => core.run(small));
    expect(behind.map((jobId) => core.started(jobId))).toEqual([true, true, true, true]);
  });

  test('declined by one node, it has room kept on another one', () => {
    const core = new Cluster('n-b');
    core.run({ needs: cpus(1) }, 600_000);
    core.connect('n-a');
    const head = core.submit(big).jobId;
    core.decline(head);
    core.pass(RESERVE_AFTER_MS);
    expect(core.world.reservations.hold).toMatchObject({ jobId: head, nodeId: 'n-b' });
    const behind = [core.run(small), core.run(small), core.run(small), core.run(small), core.run(small)];
    expect(behind.map((jobId) => core.executionsOf(jobId)[0]?.nodeId)).toEqual(['n-a', 'n-a', 'n-a', 'n-a', undefined]);
  });

  test.for(['service', 'daemon'] as const)('where a %s holds what it would need', (type) => {
    const core = new Cluster('n-a');
    core.run({ type, count: type === 'service' ? 1 : 0, needs: cpus(0.1) });
    const head = core.run(big);
    core.pass(RESERVE_AFTER_MS + 1_000);
    expect(core.world.queue.has(head)).toBe(true);
    const behind = [core.run(small), core.run(small), core.run(small)];
    expect(behind.map((jobId) => core.started(jobId))).toEqual([true, true, true]);
  });

  test.for(['service', 'daemon'] as const)('and once the %s has ended, the job has its room', (type) => {
    const core = new Cluster('n-a');
    const endless = core.run({ type, count: type === 'service' ? 1 : 0, needs: cpus(0.1) });
    const head = core.run(big);
    core.pass(3_600_000);
    for (let i = 0; i < 3; i++) core.run(small, 20_000);
    core.stop(endless);
    core.end(endless);
    const behind = core.run(small, 20_000);
    expect(core.started(behind)).toBe(false);
    core.pass(20_000);
    expect(core.started(head)).toBe(true);
  });

  test('a copy of a service that was told to end gives its room back by waiting', () => {
    const core = new Cluster('n-a');
    const endless = core.run({ type: 'service', needs: cpus(0.1) });
    const head = core.run(big);
    core.pass(RESERVE_AFTER_MS);
    core.stop(endless);
    expect(core.world.reservations.hold?.jobId).toBe(head);
  });
});

describe('a hold', () => {
  test('keeps what the job needs, not the whole node', () => {
    const core = new Cluster();
    core.connect('n-a', 8);
    core.run({ needs: cpus(6) }, 600_000);
    const head = core.run({ needs: cpus(5) });
    core.pass(RESERVE_AFTER_MS);
    expect(core.world.reservations.hold?.jobId).toBe(head);
    const beside = [1, 1, 1, 1].map((cpu) => core.run({ needs: cpus(cpu) }));
    expect(beside.map((jobId) => core.started(jobId))).toEqual([true, true, false, false]);
  });

  test('does not keep those back that come before its job', () => {
    const core = new Cluster('n-a');
    core.run({ needs: cpus(1) }, 600_000);
    core.run(big);
    core.pass(RESERVE_AFTER_MS);
    core.run(small);
    const urgent = [core.run({ ...small, priority: 1 }), core.run({ ...small, priority: 1 })];
    expect(urgent.map((jobId) => core.started(jobId))).toEqual([true, true]);
  });

  test('lapses when its room does not come free, and others run for as long', () => {
    const core = new Cluster('n-a');
    core.run({ needs: cpus(0.1) });
    const head = core.run(big);
    core.pass(RESERVE_AFTER_MS);
    const behind = core.run(small, 1_000);
    expect(core.started(behind)).toBe(false);
    core.pass(FIRST_HOLD_MS - 1);
    expect(core.started(behind)).toBe(false);
    core.pass(1);
    expect(core.started(behind)).toBe(true);
    core.pass(FIRST_HOLD_MS - 2_000);
    expect(core.started(core.run(small, 1_000))).toBe(true);
    core.pass(2_000);
    expect(core.world.reservations.hold).toMatchObject({ jobId: head, until: core.now + 2 * FIRST_HOLD_MS });
  });

  test('costs at most half of the time, and no more than the longest at once, whoever waits', () => {
    const core = new Cluster('n-a');
    core.run({ needs: cpus(0.1) });
    core.run({ ...big, needs: { ...big.needs, queueTimeoutMs: 1e9 } });
    const since = core.now + RESERVE_AFTER_MS;
    const blocked: [from: number, to: number][] = [];
    for (let held: number | null = null; core.now < since + 48 * 3_600_000;) {
      core.pass(1_000);
      const isHeld = core.world.reservations.hold !== null;
      if (isHeld && held === null) held = core.now;
      if (isHeld || held === null) continue;
      blocked.push([held, core.now]);
      held = null;
    }
    const lengths = blocked.map(([from, to]) => to - from);
    expect(lengths.length).toBeGreaterThan(10);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(LONGEST_HOLD_MS);
    const total = (to: number) => lengths.filter((_, i) => (blocked[i]?.[1] ?? 0) <= to).reduce((a, b) => a + b, 0);
    for (const [, to] of blocked) expect(total(to)).toBeLessThanOrEqual((to - since) / 2 + LONGEST_HOLD_MS);
  });

  test('goes to the next node after it lapsed, round and round', () => {
    const core = new Cluster('n-a', 'n-b', 'n-c');
    for (let i = 0; i < 3; i++) core.run({ needs: cpus(0.1) });
    core.run(big);
    core.pass(RESERVE_AFTER_MS);
    const nodes: (string | null)[] = [];
    for (let i = 0; i < 6; i++) {
      nodes.push(core.world.reservations.hold?.nodeId ?? null);
      core.pass(2 * FIRST_HOLD_MS * 2 ** i);
    }
    expect(nodes).toEqual(['n-a', 'n-b', 'n-c', 'n-a', 'n-b', 'n-c']);
  });

  test('goes to the other ripe job after it lapsed, and not back to the first one at once', () => {
    const core = new Cluster('n-a');
    core.run({ needs: cpus(0.1) });
    const [first, second] = [core.run(big), core.run({ needs: cpus(1.95) })];
    core.pass(RESERVE_AFTER_MS);
    const owners: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      owners.push(core.world.reservations.hold?.jobId);
      core.pass(2 * FIRST_HOLD_MS * 2 ** Math.floor(i / 2));
    }
    expect(owners).toEqual([first, second, first, second]);
  });

  test('that was won leaves no rest: the next partition has its own', () => {
    const core = new Cluster('n-a', 'n-b');
    for (let i = 0; i < 4; i++) core.run({ needs: cpus(1) }, 40_000);
    const head = core.run({ ...big, count: 2 }, 10_000);
    core.pass(40_000);
    expect(core.executionsOf(head)).toHaveLength(2);
    expect(core.world.reservations).toEqual({ hold: null, restUntil: 0, lapses: [] });
  });

  test('moves when its node goes, without more time', () => {
    const core = new Cluster('n-a', 'n-b');
    for (let i = 0; i < 2; i++) core.run({ needs: cpus(1) }, 600_000);
    core.run(big);
    core.pass(RESERVE_AFTER_MS);
    const hold = core.world.reservations.hold;
    const session = core.sessions.get(hold?.nodeId ?? '');
    if (hold === null || session === undefined) throw new Error('nothing is held');
    core.pass(10_000);
    core.leave(session);
    expect(core.world.reservations.hold).toMatchObject({
      until: hold.until,
      nodeId: hold.nodeId === 'n-a' ? 'n-b' : 'n-a',
    });
  });

  test('ends with its job', () => {
    const update = (c: Cluster) => void c.submit({ ...small, name: 'head' });
    for (const end of [(c: Cluster, id: JobId) => void c.stop(id), update]) {
      const core = new Cluster('n-a');
      core.run({ needs: cpus(1) }, 600_000);
      const head = core.run({ ...big, name: 'head' });
      core.pass(RESERVE_AFTER_MS);
      expect(core.world.reservations.hold?.jobId).toBe(head);
      end(core, head);
      expect(core.world.reservations.hold).toBeNull();
      expect(core.started(core.run(small))).toBe(true);
    }
  });

  test('and what is remembered of lapses outlive the object', () => {
    const core = new Cluster('n-a');
    core.run({ needs: cpus(0.1) });
    core.run(big);
    core.pass(RESERVE_AFTER_MS + FIRST_HOLD_MS * 2);
    const before = core.world.reservations;
    expect(before).toMatchObject({ hold: { nodeId: 'n-a' }, lapses: [{ times: 1 }] });
    core.restart([...core.sessions.values()], false);
    expect(core.world.reservations).toEqual(before);
    core.pass(2 * FIRST_HOLD_MS - 1);
    expect(core.world.reservations.hold).not.toBeNull();
    core.pass(1);
    expect(core.world.reservations.hold).toBeNull();
    core.restart([...core.sessions.values()], false);
    expect(core.world.reservations.hold).toBeNull();
    core.pass(2 * FIRST_HOLD_MS);
    expect(core.world.reservations.hold).not.toBeNull();
  });
});

/** Small jobs that come without end, more than there is room for. */
interface Small {
  readonly nodes: number;
  readonly longestSeconds: number;
  /** Of the longest, how long each lasts. */
  readonly shares: readonly number[];
}

const smallJobs: fc.Arbitrary<Small> = fc.record({
  nodes: fc.integer({ min: 1, max: 3 }),
  longestSeconds: fc.integer({ min: 1, max: 600 }),
  shares: fc.array(fc.double({ min: 0.05, max: 1, noNaN: true }), { minLength: 5, maxLength: 30 }),
});
/** Of small ones that wait at any moment. */
const SMALL_WAITING = 3;

/** @returns whether the big job starts within so many times what the small ones last, or the first hold */
function startsWithin(times: number, queueTimeoutMs: number | null, small: Small): boolean {
  const { nodes, longestSeconds, shares } = small;
  const core = new Cluster(...['n-a', 'n-b', 'n-c'].slice(0, nodes));
  const longest = longestSeconds * 1_000;
  let next = 0;
  const keepComing = () => {
    while (core.world.queue.size < SMALL_WAITING) {
      next += 1;
      const needs = { ...cpus(next % 3 === 0 ? 1 : 0.5), queueTimeoutMs };
      core.run({ needs }, Math.max(1, longest * (shares[next % shares.length] ?? 1)));
    }
  };
  keepComing();
  const head = core.run(big);
  const until = core.now + RESERVE_AFTER_MS + times * Math.max(longest, FIRST_HOLD_MS);
  while (!core.started(head) && core.now < until) core.pass(1_000, keepComing);
  return core.started(head);
}

test('a big job that alone has waited long starts within five times what small ones last, or what a hold lasts', () => {
  fc.assert(
    fc.property(smallJobs, (small) => {
      expect(startsWithin(5, RESERVE_AFTER_MS - 1_000, small)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test('where small ones have waited long as well, it takes turns with them: as many times five as wait', () => {
  fc.assert(
    fc.property(smallJobs, (small) => {
      expect(startsWithin(5 * (SMALL_WAITING + 1), null, small)).toBe(true);
    }),
    { numRuns: 60 },
  );
});
