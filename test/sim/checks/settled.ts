import type { ExecutionRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Base } from '../world/base.ts';
import type { Machine } from '../world/machine.ts';
import type { ObjectHost } from '../world/object-host.ts';
import type { Users } from '../world/users.ts';
import { isOpen } from './rows.ts';

const SETTLE_MS = 240_000;
/** Left-over containers are looked for every five minutes. */
const SWEEP_MS = 330_000;
/** A report without an answer is sent again after a minute at most. */
const RESENT_MS = 65_000;
const ANSWER_MS = 10_000;

interface World {
  readonly base: Base;
  readonly rows: MemoryStore;
  readonly host: ObjectHost;
  readonly machines: readonly Machine[];
  readonly users: Users;
  /** Lets time pass until `done`, at most `ms`. */
  pass(ms: number, done?: () => boolean): Promise<void>;
}

/** Nobody wants anything any more: all comes to an end, jobs, executions, charges, reports and containers. */
export async function settle(world: World): Promise<void> {
  const { base, rows, users, machines } = world;
  const isSettled = () =>
    users.pending === 0 &&
    [...rows.jobs.values()].every(({ job }) => isTerminalJobState(job.state)) &&
    [...rows.executions.values()].every(({ execution }) => !isOpen(execution) || isGone(rows, execution));
  await world.pass(SETTLE_MS, isSettled);
  if (base.violation !== null) return;
  if (!isSettled()) return base.violate(whatIsLeft(world));
  await checkCharges(world);
  const isEmpty = () => machines.every((machine) => machine.engine.size === 0);
  await world.pass(SWEEP_MS, isEmpty);
  if (!isEmpty()) base.violate('[7] containers were left on a node');
  const isQuiet = () => base.timeline.now - base.reportedAt > RESENT_MS;
  await world.pass(3 * RESENT_MS, isQuiet);
  if (!isQuiet()) base.violate('[2] a report was never acknowledged');
}

/** A deleted node never says what became of its executions; they end by their own deadline, a day later. */
function isGone(rows: MemoryStore, { nodeId }: ExecutionRecord): boolean {
  return (rows.nodes.get(nodeId)?.deletedAt ?? 0) > 0;
}

function whatIsLeft({ rows }: World): string {
  for (const { job } of rows.jobs.values()) {
    if (!isTerminalJobState(job.state)) return `[7] ${job.name} is still ${job.state}`;
  }
  for (const { execution: e } of rows.executions.values()) {
    if (isOpen(e) && !isGone(rows, e)) return `[7] ${e.id.slice(0, 10)} on ${e.nodeId} is still ${e.computeState}`;
  }
  return '[1] a command got no answer';
}

/** By the Scheduler's own word, all that the nodes have is free again. */
async function checkCharges(world: World): Promise<void> {
  const { base, rows, host } = world;
  let isAnswered = false;
  const ask = host.call((shell) => shell.liveNodes());
  void ask.then((nodes) => {
    isAnswered = true;
    for (const { nodeId, available, runningExecutions } of nodes) {
      const node = rows.nodes.get(nodeId);
      if (node === undefined || node.deletedAt > 0) continue;
      const { capacity } = node.info;
      if (runningExecutions !== 0 || available.cpu !== capacity.cpu || available.memory !== capacity.memory) {
        base.violate(`[4] ${nodeId} has ${JSON.stringify(available)} left of ${JSON.stringify(capacity)}`);
      }
    }
  });
  await world.pass(ANSWER_MS, () => isAnswered);
  if (!isAnswered) base.violate('[6] the Scheduler does not answer');
}
