import type { EpochMs, ExecutionId, NodeId } from '../../../schema/ids.ts';
import type { Held } from '../../../schema/protocol/common.ts';
import type { Capacity, Hello } from '../../../schema/protocol/from-agent.ts';
import { closeCodes } from '../../../schema/protocol/version.ts';
import { MAX_GREETINGS_PER_MINUTE, STOP_RESEND_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord, NodeInfo, NodeRecord } from '../../../schema/records.ts';
import { isTerminalComputeState } from '../../../schema/states.ts';
import { errorOf, takeDisconnect } from '../sessions.ts';
import { armLease, sendRun, sendStop } from '../dispatch.ts';
import { isLive } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import { isSameInfo, NODE_INFO_TOO_LARGE, nodeInfo } from '../node-info.ts';
import { whyNoRoom } from '../node-room.ts';
import type { Turn } from '../turn.ts';
import type { Session } from '../world.ts';

const MINUTE_MS = 60_000;

/** A whole `hello`, its `holds` frames added up. */
export interface Greeting {
  readonly session: string;
  /** When its connection was accepted: an agent opens one after the other, whatever happens to their frames. */
  readonly acceptedAt: EpochMs;
  readonly hello: Hello;
  readonly holds: readonly Held[];
}

/** Takes a node's new session, and compares what the agent holds with what should run there. */
export function takeHello(turn: Turn, { session: sessionId, acceptedAt, hello, holds }: Greeting): void {
  const before = turn.world.sessions.get(hello.nodeId);
  const known = turn.world.nodes.get(hello.nodeId);
  if (known !== undefined && known.deletedAt > 0) {
    return turn.close(sessionId, closeCodes.deleted, 'this node was deleted');
  }
  // It is older than the session that the node has or had: what it lists is no longer what the agent holds.
  if (known !== undefined && known.connectedAt > acceptedAt) {
    return turn.close(sessionId, closeCodes.protocolError, 'say hello again');
  }
  const info = infoOf(hello);
  if (info === null) return turn.close(sessionId, closeCodes.protocolError, NODE_INFO_TOO_LARGE);
  const noRoom = whyNoRoom(turn, { nodeId: hello.nodeId, info });
  if (noRoom !== null) return turn.close(sessionId, closeCodes.tryAgainLater, noRoom);
  if (greetsTooOften(turn, hello.nodeId)) return turn.close(sessionId, closeCodes.policyViolation, TOO_MANY_GREETINGS);
  if (isUsedTwice(turn, hello)) return refuseBoth(turn, sessionId, before);
  if (before !== undefined && before.id !== sessionId) {
    turn.close(before.id, closeCodes.replaced, 'a newer session of this node took over');
  }
  const node = welcomeNode(turn, hello.nodeId, { info, connectedAt: acceptedAt });
  const session = openSession(turn, node, { sessionId, agentInstance: hello.agentInstance, connectedAt: acceptedAt });
  turn.send(session, { type: 'welcome', mode: node.membership === 'APPROVED' ? 'active' : 'stopOnly' });
  const held = new Map(holds.map((h) => [h.executionId, h]));
  for (const execution of turn.world.openOn(node.id)) {
    compare(turn, session, execution, held.get(execution.id));
    held.delete(execution.id);
  }
  for (const unknown of held.values()) answerUnknown(turn, session, unknown);
  turn.markNodesChanged();
}

function infoOf({ agentVersion, os, arch, hostname, labels, engines, publishers, sources, capacity, offers }: Hello) {
  const said = {
    ...(hostname !== undefined && hostname !== '' && { hostname }),
    ...(offers !== undefined && { offers }),
  };
  return nodeInfo({ agentVersion, os, arch, ...said, labels, engines, publishers, sources, capacity });
}

const TOO_MANY_GREETINGS = `more than ${MAX_GREETINGS_PER_MINUTE} connections of this node within a minute`;

/** Each greeting writes the node's row: an agent that dials again and again is held back. */
function greetsTooOften(turn: Turn, nodeId: NodeId): boolean {
  const recent = (turn.world.greetings.get(nodeId) ?? []).filter((at) => at > turn.now - MINUTE_MS);
  if (recent.length >= MAX_GREETINGS_PER_MINUTE) return true;
  turn.world.greetings.set(nodeId, [...recent, turn.now]);
  return false;
}

/** Changes of an agent's instance within a minute that are one too many. */
const MAX_INSTANCE_CHANGES = 4;

/** True when several processes keep taking one identity from each other: each of them is a new instance. */
function isUsedTwice(turn: Turn, { nodeId, agentInstance }: Hello): boolean {
  const known = turn.world.instances.get(nodeId);
  if (known?.instance === agentInstance) return false;
  const recent = (known?.changes ?? []).filter((at) => at > turn.now - MINUTE_MS);
  const changes = known === undefined ? [] : [...recent, turn.now];
  turn.world.instances.set(nodeId, { instance: agentInstance, changes });
  return changes.length >= MAX_INSTANCE_CHANGES;
}

function refuseBoth(turn: Turn, sessionId: string, before: Session | undefined): void {
  const reason = 'this identity is used twice';
  turn.close(sessionId, closeCodes.identityUsedTwice, reason);
  if (before === undefined) return;
  turn.close(before.id, closeCodes.identityUsedTwice, reason);
  takeDisconnect(turn, before.id, before.nodeId, reason);
}

/** Registers the session as the one that owns its node. */
export function openSession(
  turn: Turn,
  node: NodeRecord,
  { sessionId, agentInstance, connectedAt }: { sessionId: string; agentInstance: string; connectedAt: EpochMs },
): Session {
  const session: Session = { id: sessionId, nodeId: node.id, agentInstance, connectedAt };
  turn.world.sessions.set(node.id, session);
  turn.world.lastChoice.delete(node.id);
  turn.world.timers.clear('lost', node.id);
  turn.world.timers.clear('lease', node.id);
  return session;
}

/** What the node offers has changed while it is connected. */
export function takeCapacity(turn: Turn, session: Session, frame: Capacity): void {
  const node = turn.world.nodes.get(session.nodeId);
  if (node === undefined) return;
  const { labels, engines, publishers, sources, capacity, offers } = frame;
  const said = { labels, engines, publishers, sources, capacity, ...(offers !== undefined && { offers }) };
  const info = nodeInfo({ ...node.info, ...said });
  if (info === null) {
    takeDisconnect(turn, session.id, session.nodeId, NODE_INFO_TOO_LARGE);
    return turn.close(session.id, closeCodes.protocolError, NODE_INFO_TOO_LARGE);
  }
  // Nothing is written, and nobody looked at, for what is known.
  if (isSameInfo(info, node.info)) return;
  const noRoom = whyNoRoom(turn, { nodeId: node.id, info });
  if (noRoom !== null) {
    takeDisconnect(turn, session.id, session.nodeId, noRoom);
    return turn.close(session.id, closeCodes.tryAgainLater, noRoom);
  }
  turn.putNode({ ...node, info });
  turn.markNodesChanged();
}

function welcomeNode(
  turn: Turn,
  nodeId: NodeId,
  { info, connectedAt }: { info: NodeInfo; connectedAt: EpochMs },
): NodeRecord {
  const known = turn.world.nodes.get(nodeId);
  return turn.putNode({
    id: nodeId,
    cell: turn.world.cell,
    membership: known?.membership ?? (turn.env.settings.manualApproval ? 'PENDING' : 'APPROVED'),
    connection: 'CONNECTED',
    draining: known?.draining ?? false,
    deletedAt: 0,
    info,
    lastError: known === undefined ? '' : errorOf(known, ''),
    connectedAt,
    disconnectedAt: 0,
    createdAt: known?.createdAt ?? turn.stamp(),
  });
}

/** One execution that is open on this node: does the agent still have it, and is it still wanted? */
function compare(turn: Turn, session: Session, execution: ExecutionRecord, held: Held | undefined): void {
  if (held === undefined) return notHeld(turn, session, execution);
  const ended = isTerminalComputeState(held.state);
  if (!isLive(execution)) {
    // When it has ended its report follows, and may even count.
    if (!ended) sendStop(turn, execution, STOP_RESEND_MS);
    return;
  }
  turn.world.timers.clear('ack', execution.id);
  if (execution.computeState === 'New') turn.updateExecution(execution.id, { computeState: 'BidAccepted' });
  if (!ended) turn.send(session, { type: 'keep', executionId: execution.id });
  armLease(turn, execution);
}

function notHeld(turn: Turn, session: Session, execution: ExecutionRecord): void {
  const job = turn.world.job(execution.jobId);
  if (isLive(execution) && execution.computeState === 'New' && job !== null) {
    return sendRun(turn, session, execution, job);
  }
  const lost = isLive(execution) || execution.fenced;
  const message = lost ? 'node lost its record of the execution' : execution.desiredMessage;
  const wanted = isLive(execution);
  const after = turn.updateExecution(execution.id, {
    // One that a limit of its job ended has failed.
    computeState: lost || execution.failureClass === 'environment' ? 'Failed' : 'Cancelled',
    computeMessage: message,
    desiredState: 'Stopped',
    ...(wanted && { desiredMessage: 'execution failed', failureClass: 'infrastructure' as const }),
  });
  turn.event(execution.jobId, {
    topic: 'Scheduling',
    message,
    details: { NodeID: execution.nodeId, ...(lost && { IsError: 'true', Retryable: 'true' }) },
    execution: after,
  });
  if (wanted) judgeFailure(turn, after);
}

/** One that the agent holds and that is not open here: it ended, or was never this node's. */
function answerUnknown(turn: Turn, session: Session, held: Held): void {
  const executionId: ExecutionId = held.executionId;
  if (!isTerminalComputeState(held.state)) {
    turn.send(session, { type: 'stop', executionId, reason: 'not known to the orchestrator' });
  } else if (held.lastSeq > 0) {
    turn.send(session, { type: 'ackReport', executionId, seq: held.lastSeq });
  }
}
