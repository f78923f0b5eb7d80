import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { NodeId } from '../../schema/ids.ts';
import { RESERVE_AFTER_MS } from '../../schema/limits.ts';
import type { JobRecord } from '../../schema/records.ts';
import { isTerminalJobState, runsOnEveryNode } from '../../schema/states.ts';
import { cancelled, completed, CoreHarness, failed, running } from '../../test/harness/core.ts';
import { fits, subtract } from '../../schema/amounts.ts';
import { isLive, isOpen } from './execution.ts';
import { isKeptFree } from './placement/kept-free.ts';
import { declinedBy, isSilent } from './placement/place.ts';
import { whyNever, whyNot } from './placement/filters.ts';
import type { Turn } from './turn.ts';
import type { Session } from './world.ts';

/** Turns that are full after a few looks: what they leave must be taken up by the next. */
vi.mock('../../schema/limits.ts', async (original) => ({
  ...(await original<Record<string, unknown>>()),
  MAX_TURN_WORK: 120,
  START_WORK: 20,
  REASON_WORK: 1,
}));

const resources = (cpu: number, gpu = 0) => ({ resources: { cpu, memory: 1, disk: 0, gpu } });

/** Lets turns follow each other until none follows at once. @throws Error when they never come to an end */
function settleDown(core: CoreHarness): void {
  for (let turns = 0; turns < 3_000; turns++) {
    const next = core.world.timers.next();
    if (next === null || next > core.now + 1) return;
    core.now = Math.max(core.now, next);
    core.turn({ type: 'wake' });
  }
  throw new Error('turns follow each other for ever');
}

test('those who want something of every node do not use up every turn', () => {
  const core = new CoreHarness();
  const withGpu = core.join('n-gpu', { capacity: { cpu: 3, gpu: 1 } });
  const others = Array.from({ length: 19 }, (_, i) => `n-${i}`);
  core.joinAll(others, { capacity: { cpu: 3 } });
  core.submit({ type: 'daemon', count: 0, needs: resources(2) });
  settleDown(core);
  const first = core.execution(core.submit({ needs: resources(0.5, 1) }).jobId);
  const second = core.submit({ needs: resources(0.5, 1) }).jobId;
  for (let i = 0; i < 40; i++) core.submit({ type: 'ops', count: 0, needs: resources(2) });
  settleDown(core);
  core.report(withGpu, first.id, 1, completed());
  settleDown(core);
  expect(core.executionsOf(second)).toHaveLength(1);
  expect([...core.world.offered]).toEqual([]);
});

test('submissions that no node can take do not hold a turn up; history tells of those that were not warned', () => {
  const core = new CoreHarness();
  core.joinAll(names, { engines: [] });
  const events = Array.from({ length: 50 }, () => core.submitEvent());
  const replies = core.turn(...events);
  const warned = replies.filter((reply) => reply !== null && reply.ok && 'warnings' in reply.value);
  expect(warned.length).toBeGreaterThan(0);
  expect(warned.length).toBeLessThan(10);
  settleDown(core);
  const told = core.events.filter(({ topic, details }) => topic === 'Queueing' && details['IsError'] === 'true');
  expect(told).toHaveLength(50);
});

/** One thing that happens; the numbers choose among what is there. */
type Step = readonly [kind: (typeof kinds)[number], a: number, b: number, c: number];
const kinds = [
  'submit',
  'submit',
  'submit',
  'frame',
  'frame',
  'frame',
  'frame',
  'stop',
  'join',
  'leave',
  'change',
  'capacity',
  'restart',
  'wait',
  'wait',
] as const;
const step = fc.tuple(fc.constantFrom(...kinds), fc.nat(999), fc.nat(999), fc.nat(999));
const names = ['n-a', 'n-b', 'n-c'] as const;
const of = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)];

class Chaos extends CoreHarness {
  readonly #sessions = new Map<NodeId, Session>();
  #seq = 0;

  take([kind, a, b, c]: Step): void {
    const name = of(names, a) ?? 'n-a';
    const session = this.#sessions.get(name as NodeId);
    const isHere = session !== undefined && this.world.sessions.get(session.nodeId)?.id === session.id;
    switch (kind) {
      case 'submit':
        return this.#submit(a, b, c);
      case 'frame':
        return this.#say(a, b);
      case 'stop':
        return this.#stop(a);
      case 'join':
        return this.#join(name, 1 + (b % 4));
      case 'leave':
        return isHere ? this.leave(session) : undefined;
      case 'change':
        this.changeNode(
          name,
          of(['drain', 'resume', 'resume', 'reject', 'approve', 'approve'] as const, b) ?? 'resume',
        );
        return undefined;
      case 'capacity':
        if (isHere) this.#tell(session, 1 + (b % 4));
        return undefined;
      case 'restart': {
        const here = [...this.#sessions.values()].filter((one) => this.world.sessions.get(one.nodeId)?.id === one.id);
        return this.restart(b % 3 === 0 ? here.slice(1) : here, c % 2 === 0);
      }
      case 'wait':
        for (let ms = of([10, 1_000, 10_000, 31_000, 70_000], b) ?? 0; ms > 0; ms -= 10_000) {
          for (const nodeId of this.#sessions.keys()) this.heard.set(nodeId, this.now);
          this.advance(Math.min(ms, 10_000));
        }
        return undefined;
    }
  }

  #submit(a: number, b: number, c: number): void {
    const type = of(['batch', 'batch', 'batch', 'service', 'ops', 'daemon'] as const, a) ?? 'batch';
    const count = runsOnEveryNode(type) ? 0 : 1 + (b % 5 === 0 ? c % 4 : 0);
    const cpu = of([0.5, 1, 2, 3, 4], b) ?? 1;
    const name = type === 'service' && c % 3 === 0 ? { name: 'web' } : {};
    this.trySubmit({ type, count, priority: c % 5 === 0 ? 1 : 0, ...name, needs: resources(cpu) });
  }

  #say(a: number, b: number): void {
    const execution = of(
      [...this.world.executions.values()].filter((e) => isOpen(e) && this.world.sessions.has(e.nodeId)),
      a,
    );
    const session = execution === undefined ? undefined : this.#sessions.get(execution.nodeId);
    if (execution === undefined || session === undefined) return;
    const { id: executionId } = execution;
    this.#seq += 1;
    if (!isLive(execution)) return this.report(session, executionId, this.#seq, cancelled);
    if (execution.computeState === 'New' && b % 6 === 0) {
      return this.frame(session, { type: 'reject', executionId, reason: 'not here' });
    }
    const outcomes = [running, running, completed(), completed(), failed('infrastructure'), failed('environment')];
    this.report(session, executionId, this.#seq, of(outcomes, b) ?? running);
  }

  #stop(a: number): void {
    const job = of(
      [...this.world.jobs.values()].filter(({ state }) => !isTerminalJobState(state)),
      a,
    );
    if (job !== undefined) this.stop(job.id);
  }

  #join(name: string, cpu: number): void {
    this.now += 1;
    const holds = this.world
      .openOn(name as NodeId)
      .filter(({ computeState }) => computeState !== 'New')
      .map(({ id: executionId }) => ({ executionId, state: 'Running' as const, lastSeq: 0 }));
    this.#sessions.set(name as NodeId, this.join(name, { capacity: { cpu }, holds }));
  }

  #tell(session: Session, cpu: number): void {
    const capacity = { cpu, memory: 1_000, disk: 1_000, gpu: 0 };
    this.frame(session, { type: 'capacity', labels: {}, engines: ['docker'], publishers: [], sources: [], capacity });
  }

  /** Who waits although some node has room that nobody has a better right to, and whom room should be kept for. */
  wronged(turn: Turn): string[] {
    const waiting = [...this.world.jobs.values()].filter(({ state }) => !isTerminalJobState(state));
    const starved = waiting.flatMap((job) =>
      this.#whereAble(turn, job).map((nodeId) => `${job.type} ${job.id} on ${nodeId}`),
    );
    return [...starved, ...this.#unheld(turn)];
  }

  #whereAble(turn: Turn, job: JobRecord): NodeId[] {
    const { world } = this;
    const book = world.book(job);
    const declined = declinedBy(turn, job);
    const old = new Set(
      world
        .executionsOf(job.id)
        .filter((e) => e.jobVersion < job.version && isLive(e))
        .map((e) => e.partition),
    );
    const isDue = (slot: number | NodeId) => book.attempts(slot).retryAt <= this.now;
    const wants = runsOnEveryNode(job.type) || [...book.unplaced()].some((slot) => !old.has(slot) && isDue(slot));
    if (!wants) return [];
    return [...world.nodes.values()].flatMap((node) => {
      const { free, openCount } = world.room(node.id);
      const candidate = { node, connected: world.sessions.has(node.id), free, openCount };
      if (whyNot(candidate, job.needs) !== null || isSilent(turn, node.id) || declined.has(node.id)) return [];
      if (!runsOnEveryNode(job.type)) return isKeptFree(turn, job, node.id) ? [] : [node.id];
      const isDone = book.hasCompleted(node.id) || (job.type === 'ops' && book.attempts(node.id).failures >= 3);
      return isDone || book.liveExecution(node.id) !== null || !isDue(node.id) ? [] : [node.id];
    });
  }

  #unheld(turn: Turn): string[] {
    const { world } = this;
    const { hold, restUntil } = world.reservations;
    if (hold !== null || restUntil > this.now) return [];
    return [...world.queue.classes()].flatMap(({ line, need, needs }) => {
      const head = line.head();
      const job = head === undefined ? null : world.job(head.jobId);
      if (job === null || job.versionAt + RESERVE_AFTER_MS > this.now) return [];
      const declined = declinedBy(turn, job);
      return [...world.nodes.values()]
        .filter((node) => {
          const { capacity, endless, free, openCount } = world.room(node.id);
          const candidate = { node, connected: world.sessions.has(node.id), free, openCount };
          const could = whyNever(candidate, needs) === null && fits(need, subtract(capacity, endless));
          return could && !declined.has(node.id) && !isSilent(turn, node.id);
        })
        .map(({ id }) => `nothing is kept for ${job.id} on ${id}`);
    });
  }

  /** Ends all work. */
  finish(): void {
    for (const { id, state } of this.world.jobs.values()) if (!isTerminalJobState(state)) this.stop(id);
    for (const name of names) this.#join(name, 4);
    for (let i = 0; i < 1_000 && this.world.executions.size > 0; i++) this.#say(0, 2);
  }
}

test('whoever could start has started when no turn follows at once, whatever happens; in the end nothing is owed', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
      const core = new Chaos();
      for (const name of names) core.take(['join', names.indexOf(name), 3, 0]);
      for (const one of steps) {
        core.take(one);
        settleDown(core);
        expect(core.wronged(core.newTurn())).toEqual([]);
      }
      core.finish();
      expect([core.world.jobs.size, core.world.timers.next()]).toEqual([0, null]);
    }),
    { numRuns: 60 },
  );
});
