import type { JobRecord } from '../../../schema/records.ts';
import type { Turn } from '../turn.ts';
import { everyReasonWhyNever, hints, whyNeverKind, type ReasonKind } from './filters.ts';
import { candidateOf, declinedBy, isSilent } from './place.ts';
import { linesOf, nodesAround, type NodeReason } from './reasons.ts';

/** Why no connected node could take a job, however empty it were. */
export interface Unplaceable {
  /** By kind, in one text: it changes only when kinds of reasons come or go. */
  readonly kinds: string;
  /** Of the kind that stands for most nodes. */
  readonly hint: string;
  /** For people: what follows, then one line per group of nodes, ten in all at most. */
  readonly lines: readonly string[];
}

const NO_NODE = 'Start an agent, and approve it where nodes wait for approval.';
const MAX_LINES = 10;

/** @returns null when some connected node could take the job, were it empty */
export function whyUnplaceable(turn: Turn, job: JobRecord): Unplaceable | null {
  const declined = declinedBy(turn, job);
  const kinds = new Map<ReasonKind, number>();
  const reasons: NodeReason[] = [];
  for (const node of nodesAround(turn)) {
    turn.work.spend(1);
    const candidate = candidateOf(turn, node);
    const connected = candidate.connected && !isSilent(turn, node.id);
    const kind = whyNeverKind({ ...candidate, connected }, job.needs) ?? (declined.has(node.id) ? 'declined' : null);
    if (kind === null) return null;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    const described = everyReasonWhyNever({ ...candidate, connected }, job.needs);
    const reason = described.length > 0 ? described.join('; ') : (declined.get(node.id) ?? '');
    reasons.push({ nodeId: node.id, reason });
  }
  turn.work.spend(reasons.length * 10);
  const [most] = [...kinds].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const head = `no connected node can take this job${waits(turn, job) ? ': it waits until one can' : ''}`;
  const groups = reasons.length > 0 ? linesOf(reasons, MAX_LINES - 1) : [noNode(turn)];
  return {
    kinds: [...kinds.keys()].sort().join(', '),
    hint: most === undefined ? NO_NODE : hints[most[0]],
    lines: [head, ...groups],
  };
}

function noNode(turn: Turn): string {
  return turn.world.nodes.size === 0 ? 'no node has joined yet' : 'no node is connected';
}

/** An ops job ends at once where nothing matches, and so does one that may not wait. */
function waits(turn: Turn, job: JobRecord): boolean {
  if (job.type === 'daemon') return true;
  return job.type !== 'ops' && (job.needs.queueTimeoutMs ?? turn.env.settings.defaultQueueTimeoutMs) > 0;
}
