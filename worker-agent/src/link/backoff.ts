import { closeCodes } from '@shoal/schema/protocol/version';
import type { Random } from '../ports.ts';

/** How a connection ended, or why there was none. */
export type Closed =
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  /** The upgrade was answered with an HTTP status. */
  | { readonly kind: 'refused'; readonly status: number; readonly body: string }
  | { readonly kind: 'unreachable'; readonly error: string };

const FIRST_MS = 1_000;
const MAX_MS = 30_000;
/** For ends that only a person can mend: no use in asking often. */
const LONG_MS = 60_000;

/** True when nobody may run anything under this identity any more: its tasks are to be stopped. */
export function isBanished(end: Closed): boolean {
  if (end.kind === 'closed') return end.code === closeCodes.rejected || end.code === closeCodes.deleted;
  return end.kind === 'refused' && end.status === 410;
}

/**
 * How long to wait before dialling again: 0 to 1 s at first, then full jitter under a ceiling that doubles to 30 s. What
 * only a person can mend waits 60 to 120 s.
 * @param attempt dials since the last welcome, from 0
 */
export function redialDelayMs(end: Closed, attempt: number, random: Random): number {
  if (needsPerson(end)) return LONG_MS + random() * LONG_MS;
  // A newer agent under the same identity took over: redialling at once would throw it out again.
  const replaced = end.kind === 'closed' && end.code === closeCodes.replaced;
  const doublings = Math.min(replaced ? attempt + 3 : attempt, 5);
  return random() * Math.min(FIRST_MS * 2 ** doublings, MAX_MS);
}

/** What the log says, in words that tell what to do. */
export function describeEnd(end: Closed): string {
  if (end.kind === 'unreachable') return `the orchestrator cannot be reached: ${end.error}`;
  if (end.kind === 'refused') return describeRefusal(end.status, end.body);
  switch (end.code) {
    case closeCodes.replaced:
      return 'another connection of this node took over';
    case closeCodes.identityUsedTwice:
      return 'two agents use this node id and keep replacing each other: give each machine its own state folder or --node-id';
    case closeCodes.rejected:
      return 'the orchestrator rejected this node: its tasks are stopped until it is approved';
    case closeCodes.deleted:
      return 'this node was deleted: its tasks are stopped; start with a new state folder to join again';
    case closeCodes.unsupportedVersion:
      return `the orchestrator does not serve this agent's protocol version: update the agent (${end.reason})`;
    default:
      return `the connection was closed (${end.code}${end.reason === '' ? '' : ` ${end.reason}`})`;
  }
}

function describeRefusal(status: number, body: string): string {
  const said = body === '' ? '' : `: ${body}`;
  if (status === 401 || status === 403) {
    return `the orchestrator refused this agent's token (HTTP ${status}): check SHOAL_NODE_TOKEN${said}`;
  }
  if (status === 404) return `there is no Shoal orchestrator at this address (HTTP 404): check --url${said}`;
  if (status === 410) return `this node was deleted (HTTP 410): its tasks are stopped${said}`;
  if (status === 503) return `the orchestrator is not ready (HTTP 503)${said}`;
  return `the orchestrator answered HTTP ${status}${said}`;
}

function needsPerson(end: Closed): boolean {
  if (end.kind === 'refused') return end.status === 410;
  if (end.kind !== 'closed') return false;
  return (
    end.code === closeCodes.identityUsedTwice ||
    end.code === closeCodes.rejected ||
    end.code === closeCodes.deleted ||
    end.code === closeCodes.unsupportedVersion
  );
}
