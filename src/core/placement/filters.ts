import { bytesText, cpuText, resourcesText } from '../../../schema/format.ts';
import { MAX_HOLDS } from '../../../schema/limits.ts';
import { whyNotOffered } from '../../../schema/offers.ts';
import type { Needs, NodeRecord } from '../../../schema/records.ts';
import { amountsOf, fits, NOTHING, resourcesOf, type Amounts } from '../../../schema/amounts.ts';
import { describeConstraints, meets } from './constraints.ts';

/** A node as placement sees it. */
export interface Candidate {
  readonly node: NodeRecord;
  readonly connected: boolean;
  readonly free: Amounts;
  /** Executions that are charged to it. */
  readonly openCount: number;
}

/** Why the node cannot take an execution with these needs, or null when this filter lets it pass. */
type Filter = (candidate: Candidate, needs: Needs) => string | null;

const membership: Filter = ({ node }) => {
  if (node.membership === 'APPROVED') return null;
  return node.membership === 'PENDING' ? 'is waiting for approval' : 'is rejected';
};

const connection: Filter = ({ connected }) => (connected ? null : 'is not connected');

const draining: Filter = ({ node }) => (node.draining ? 'is draining' : null);

const engine: Filter = ({ node }, { engine }) => offers(node.info.engines, 'engine', engine);

const publisher: Filter = ({ node }, { publisher }) =>
  publisher === '' ? null : offers(node.info.publishers, 'publisher', publisher);

const sources: Filter = ({ node }, { sources }) => {
  for (const source of sources) {
    const missing = offers(node.info.sources, 'input source', source);
    if (missing !== null) return missing;
  }
  return null;
};

const offered: Filter = ({ node }, { asks }) =>
  asks === undefined || node.info.offers === undefined ? null : whyNotOffered(node.info.offers, asks);

const constraints: Filter = ({ node }, { constraints }) =>
  meets(node.info.labels, constraints)
    ? null
    : `labels don't match required selectors [${describeConstraints(constraints)}]`;

const size: Filter = ({ node }, { resources }) => {
  const most = amountsOf(node.info.capacity);
  const need = amountsOf(resources);
  if (fits(need, most)) return null;
  const parts = [
    need.cpuMicros > most.cpuMicros &&
      `CPU (${cpuText(resources.cpu)}) than the maximum available (${cpuText(node.info.capacity.cpu)})`,
    need.memory > most.memory &&
      `memory (${bytesText(need.memory)}) than the maximum available (${bytesText(most.memory)})`,
    need.disk > most.disk && `disk (${bytesText(need.disk)}) than the maximum available (${bytesText(most.disk)})`,
    need.gpu > most.gpu && `GPUs (${need.gpu}) than the maximum available (${most.gpu})`,
  ];
  return `job requires more ${parts.filter((part) => part !== false).join(' and more ')}`;
};

const room: Filter = ({ free }, { resources }) =>
  fits(amountsOf(resources), free) ? null : `node busy with available capacity ${resourcesText(resourcesOf(free))}`;

/** A node says in its hello what it holds, and may hold no more than it can say. */
const crowd: Filter = ({ openCount }) =>
  openCount < MAX_HOLDS ? null : `holds ${openCount} executions, and no more may`;

/** In order; the first reason is the one that is shown. */
const filters: readonly Filter[] = [
  membership,
  connection,
  draining,
  engine,
  publisher,
  sources,
  offered,
  constraints,
  size,
  crowd,
  room,
];
/** What changes with the node's row or connection. */
const passing = new Set<Filter>([membership, connection, draining]);
/** All that holds whatever runs on the node. */
const standingFilters = filters.filter((filter) => filter !== room && filter !== crowd);
const passingFilters = standingFilters.filter((filter) => passing.has(filter));
/** What follows from the node's description alone. */
const describedFilters = standingFilters.filter((filter) => !passing.has(filter));

/** What stands in the way, for whom the wording does not matter. */
const kinds = new Map<Filter, ReasonKind>([
  [membership, 'membership'],
  [connection, 'connection'],
  [draining, 'draining'],
  [engine, 'engine'],
  [publisher, 'publisher'],
  [sources, 'source'],
  [offered, 'offers'],
  [constraints, 'constraints'],
  [size, 'size'],
]);

/** What can be done about it. */
export const hints = {
  membership: 'Approve the node.',
  connection: 'Start the agent, or see why it is away.',
  draining: 'Resume the node, or join another one.',
  engine: 'Use an engine that a node offers, or join a node that offers this one.',
  publisher: 'Use a publisher that a node offers.',
  source: 'Use an input source that a node offers.',
  offers: "Ask for what the machines' owners allow, or have one of them allow it.",
  constraints: "Change the job's Constraints, or give a node the label with --label.",
  size: 'Ask for less, or join a larger node.',
  declined: 'See what the node said; it is asked again once it has changed or connected anew.',
} as const;
export type ReasonKind = keyof typeof hints;

/** The kind of the reason for which the node could not take an execution, were it empty; null when it could. */
export function whyNeverKind(candidate: Candidate, needs: Needs): ReasonKind | null {
  const filter = standingFilters.find((one) => one(candidate, needs) !== null);
  return filter === undefined ? null : (kinds.get(filter) ?? null);
}

/** True when the node may be given work at all. */
export function mayWork(candidate: Candidate, needs: Needs): boolean {
  return firstReason(passingFilters, candidate, needs) === null;
}

/** True when what the node says of itself meets the needs, were it empty. */
export function suits(node: NodeRecord, needs: Needs): boolean {
  return firstReason(describedFilters, { node, connected: true, free: NOTHING, openCount: 0 }, needs) === null;
}

/**
 * Why the node cannot take an execution now, or null when it can.
 * @see Bacalhau pkg/orchestrator/selection/ranking, whose words these are
 */
export function whyNot(candidate: Candidate, needs: Needs): string | null {
  return firstReason(filters, candidate, needs);
}

/** Why the node could not take an execution even when nothing else ran on it, or null when it could. */
export function whyNever(candidate: Candidate, needs: Needs): string | null {
  return firstReason(standingFilters, candidate, needs);
}

/**
 * All reasons why the node could not take an execution even when nothing else ran on it: who mends one need not come back
 * for the next. Of a node that may not work at all that alone is told.
 */
export function everyReasonWhyNever(candidate: Candidate, needs: Needs): readonly string[] {
  const passing = firstReason(passingFilters, candidate, needs);
  if (passing !== null) return [passing];
  return describedFilters.flatMap((filter) => filter(candidate, needs) ?? []);
}

function firstReason(list: readonly Filter[], candidate: Candidate, needs: Needs): string | null {
  for (const filter of list) {
    const reason = filter(candidate, needs);
    if (reason !== null) return reason;
  }
  return null;
}

/** Types are compared without regard to case, as Bacalhau does. */
function offers(offered: readonly string[], what: string, wanted: string): string | null {
  if (offered.some((type) => type.toLowerCase() === wanted.toLowerCase())) return null;
  return offered.length === 0
    ? `does not support ${what} ${wanted}`
    : `does not support ${what} ${wanted}, only ${[...offered].sort().join(', ')}`;
}
