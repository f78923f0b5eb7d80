import type { ToAgent } from '../../schema/protocol/to-agent.ts';
import { now } from './clock.ts';
import { FakeAgent, type Behaviour } from './fake-agent.ts';
import { serve } from './rpc.ts';
import type { NodePlan } from './wire.ts';

/** A process full of fake agents, and what they heard since the last `begin`. */

const DIALLED_AT_ONCE = 50;

interface Heard {
  readonly type: ToAgent['type'];
  readonly executionId: string;
  readonly jobId: string | undefined;
  readonly at: number;
}

/** How often something came, and when. Times are those of `now`. */
export interface Tally {
  readonly runs: number;
  /** Executions that were asked for; less than `runs` when one came twice. */
  readonly executions: number;
  readonly firstRunAt: number;
  readonly lastRunAt: number;
  /** Reports that were acknowledged: their outcome is durable. */
  readonly acknowledged: number;
  readonly lastAcknowledgedAt: number;
  /** Why connections broke. */
  readonly lost: readonly string[];
}

interface Waiting {
  readonly isOver: () => boolean;
  readonly resolve: () => void;
}

const agents = new Map<string, FakeAgent>();
const behaviour: Behaviour = { ending: 'at once', declines: null };
const known = new Set<string>();
let heard: Heard[] = [];
let runs = 0;
let executions = 0;
let acknowledged: [jobId: string, at: number][] = [];
let [firstRunAt, lastRunAt] = [0, 0];
let lost: string[] = [];
let waiting: Waiting[] = [];

function take(frame: ToAgent, jobId: string | undefined): void {
  const at = now();
  // A second acknowledgement of the same report is about nothing that is held.
  if (frame.type === 'ackReport' && jobId !== undefined) acknowledged.push([jobId, at]);
  if (frame.type !== 'run' && frame.type !== 'stop' && frame.type !== 'ackReport') return;
  if (frame.type === 'run') {
    runs += 1;
    if (runs === 1) firstRunAt = at;
    lastRunAt = at;
    if (!known.has(frame.executionId)) executions += 1;
    known.add(frame.executionId);
  }
  if (frame.type !== 'ackReport') heard.push({ type: frame.type, executionId: frame.executionId, jobId, at });
  wake();
}

function wake(): void {
  const over = waiting.filter(({ isOver }) => isOver());
  if (over.length === 0) return;
  waiting = waiting.filter((one) => !over.includes(one));
  for (const { resolve } of over) resolve();
}

function until(isOver: () => boolean): Promise<void> {
  if (isOver()) return Promise.resolve();
  return new Promise((resolve) => waiting.push({ isOver, resolve }));
}

async function join(url: string, plan: NodePlan): Promise<void> {
  const agent = new FakeAgent(url, plan, { behaviour, hears: { frame: take, lost: (why) => lost.push(why) } });
  agents.set(plan.nodeId, agent);
  await agent.join();
}

function firstOf(type: ToAgent['type'], jobId: string | undefined, after: number): Heard | undefined {
  return heard.find((one) => one.type === type && one.at >= after && (jobId ?? one.jobId) === one.jobId);
}

const handlers = {
  async join({ url, nodes }: { url: string; nodes: readonly NodePlan[] }): Promise<void> {
    for (let from = 0; from < nodes.length; from += DIALLED_AT_ONCE) {
      await Promise.all(nodes.slice(from, from + DIALLED_AT_ONCE).map((plan) => join(url, plan)));
    }
  },
  leave({ nodeId }: { nodeId: string }): void {
    agents.get(nodeId)?.leave();
    agents.delete(nodeId);
  },
  behave(how: Partial<Behaviour>): void {
    Object.assign(behaviour, how);
  },
  /** Lets the tasks of so many nodes go, those that run and those that come from now on. */
  letGo({ nodes }: { nodes: number }): void {
    for (const agent of [...agents.values()].slice(0, nodes)) agent.letGo();
  },
  /** Forgets what was heard. */
  begin(): void {
    [heard, acknowledged, lost] = [[], [], []];
    [runs, executions, firstRunAt, lastRunAt] = [0, 0, 0, 0];
  },
  tally(): Tally {
    const lastAcknowledgedAt = acknowledged.at(-1)?.[1] ?? 0;
    return { runs, executions, firstRunAt, lastRunAt, acknowledged: acknowledged.length, lastAcknowledgedAt, lost };
  },
  /** Job and time of each acknowledged report. */
  acknowledgements(): readonly [jobId: string, at: number][] {
    return acknowledged;
  },
  untilExecutions({ count }: { count: number }): Promise<void> {
    return until(() => executions >= count);
  },
  untilAcknowledged({ count }: { count: number }): Promise<void> {
    return until(() => acknowledged.length >= count);
  },
  /** When the first such frame came at or after a time. */
  async arrival({ type, jobId, after }: { type: ToAgent['type']; jobId?: string; after: number }): Promise<number> {
    await until(() => firstOf(type, jobId, after) !== undefined);
    return firstOf(type, jobId, after)?.at ?? Number.NaN;
  },
};

export type AgentsProcess = typeof handlers;

serve(handlers);
