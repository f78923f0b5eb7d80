import type { JobRecord } from '../../schema/records.ts';
import { amountsOf, fits } from '../../schema/amounts.ts';
import type { DryRunAnswer, DryRunNode, SubmitJob } from './commands.ts';
import { isKeptFree } from './placement/kept-free.ts';
import { isSilent, takersOf, whyNodesDoNot } from './placement/place.ts';
import { rankOf } from './placement/rank.ts';
import { whyUnplaceable } from './placement/unplaceable.ts';
import type { Turn } from './turn.ts';

/** Nodes that are named; those that could take the job come first. */
const MAX_NODES = 100;

/**
 * Where a job would run if it were submitted now, or why not. It is looked at as a job that nobody knows; nothing is
 * decided or kept.
 */
export function dryRun(turn: Turn, command: SubmitJob): DryRunAnswer {
  const job = pretend(turn, command);
  const need = amountsOf(job.needs.resources);
  const ready = takersOf(turn, job, turn.world.sessions.keys())
    .filter(({ nodeId, room }) => fits(need, room.free) && !isSilent(turn, nodeId) && !isKeptFree(turn, job, nodeId))
    .map((taker) => ({ taker, rank: rankOf(taker, need, NONE) }))
    .sort((a, b) => b.rank - a.rank || (a.taker.nodeId < b.taker.nodeId ? -1 : 1))
    .map(({ taker }): DryRunNode => ({ nodeId: taker.nodeId, reason: '' }));
  const others = whyNodesDoNot(turn, job);
  return {
    nodes: [...ready, ...others].slice(0, MAX_NODES),
    starts: ready.length > 0,
    warnings: whyUnplaceable(turn, job)?.lines ?? [],
  };
}

const NONE: ReadonlySet<never> = new Set();

/** The job as it would stand in line. */
function pretend({ world, now }: Turn, command: SubmitJob): JobRecord {
  const { jobId, namespace, name, type, priority, count, needs, specHash } = command;
  const asked = { id: jobId, cell: world.cell, namespace, name, type, priority, count, needs, specHash };
  const state = { state: 'Pending', stateMessage: '', version: 1, revision: 1, eventSeq: 0, told: null } as const;
  return { ...asked, ...state, versionAt: now, waitingSince: null, createdAt: 0, modifiedAt: 0 };
}
