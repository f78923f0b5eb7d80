import type { NodeId } from '../../schema/ids.ts';
import type { FromAgent } from '../../schema/protocol/from-agent.ts';
import type {
  Answer,
  ChangeNode,
  ChangeNodeAnswer,
  RerunJob,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from './commands.ts';
import { takeAck, takeReject } from './events/answer.ts';
import { changeNode } from './events/change-node.ts';
import { takeDisconnect } from './sessions.ts';
import { takeCapacity, takeHello, type Greeting } from './events/hello.ts';
import { takeReport } from './events/report.ts';
import { rerunJob } from './events/rerun.ts';
import { takeStart, type SurvivingSession } from './events/start.ts';
import { stopJob } from './events/stop.ts';
import { submitJob } from './events/submit.ts';
import { takeWake } from './events/wake.ts';
import type { Turn } from './turn.ts';
import type { Session } from './world.ts';

/** A frame of a session that has been greeted. */
export type AgentFrame = Exclude<FromAgent, { type: 'hello' | 'holds' }>;

/** Everything that can happen to the Scheduler. */
export type CoreEvent =
  /** @property wasAway  nobody could run for a while: the alarm was due long ago, or was never set */
  | { readonly type: 'start'; readonly sessions: readonly SurvivingSession[]; readonly wasAway: boolean }
  | { readonly type: 'greeting'; readonly greeting: Greeting }
  | { readonly type: 'frame'; readonly session: Session; readonly frame: AgentFrame }
  | { readonly type: 'disconnect'; readonly session: string; readonly nodeId: NodeId; readonly why: string }
  | { readonly type: 'stopJob'; readonly command: StopJob }
  | { readonly type: 'changeNode'; readonly command: ChangeNode }
  | { readonly type: 'rerunJob'; readonly command: RerunJob }
  | { readonly type: 'wake' }
  | { readonly type: 'submitJob'; readonly command: SubmitJob };

/** Events that somebody waits for, with ids that make them safe to send again. */
export type CommandEvent = Extract<CoreEvent, { readonly command: unknown }>;

export function isCommand(event: CoreEvent): event is CommandEvent {
  return 'command' in event;
}

/** What a command is answered once the turn is committed; null for events that nobody waits for. */
export type Reply = Answer<SubmitAnswer> | Answer<StopAnswer> | Answer<ChangeNodeAnswer> | null;

/**
 * Decides one event: rows, messages and deadlines go into the turn, the answer is returned. Synchronous, and with the
 * same world and environment always the same. `settle` follows once all events of the turn are decided.
 */
export function decide(turn: Turn, event: CoreEvent): Reply {
  switch (event.type) {
    case 'start':
      takeStart(turn, event.sessions, event.wasAway);
      return null;
    case 'greeting':
      takeHello(turn, event.greeting);
      return null;
    case 'frame':
      takeFrame(turn, event.session, event.frame);
      return null;
    case 'disconnect':
      takeDisconnect(turn, event.session, event.nodeId, event.why);
      return null;
    case 'wake':
      takeWake(turn);
      return null;
    case 'submitJob':
      return submitJob(turn, event.command);
    case 'stopJob':
      return stopJob(turn, event.command);
    case 'rerunJob':
      return rerunJob(turn, event.command);
    case 'changeNode':
      return changeNode(turn, event.command);
  }
}

/** Frames of a session that no longer owns its node are ignored, except reports: an end is an end. */
function takeFrame(turn: Turn, from: Session, frame: AgentFrame): void {
  const isOwner = turn.world.sessions.get(from.nodeId)?.id === from.id;
  if (!isOwner && frame.type !== 'report') return;
  if (isOwner) turn.world.lastChoice.delete(from.nodeId);
  switch (frame.type) {
    case 'ack':
      return takeAck(turn, from, frame.executionId);
    case 'reject':
      return takeReject(turn, from, frame.executionId, frame.reason);
    case 'report':
      return takeReport(turn, from, frame);
    case 'capacity':
      return takeCapacity(turn, from, frame);
    case 'bye':
      return takeDisconnect(turn, from.id, from.nodeId, 'graceful shutdown');
  }
}
