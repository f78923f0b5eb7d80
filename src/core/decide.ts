import type { JobId, NodeId } from '../../schema/ids.ts';
import type { FromAgent } from '../../schema/protocol/from-agent.ts';
import { isKeptUp } from '../../schema/states.ts';
import type { Answer, Identified } from './commands.ts';
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

/** How a type of command is taken, and what it is answered when it was carried out. */
interface CommandRow<Asked extends Identified, Value> {
  readonly decide: (turn: Turn, command: Asked) => Answer<Value>;
  /** `frees` goes before `brings` in a turn: what gives nodes room, before what wants it. */
  readonly lane: 'frees' | 'brings';
  /** Jobs that it must find in the world. Those that have ended are not held there, and are read first. */
  readonly about?: (command: Asked) => About;
}

/** Jobs by id, or by the name that they would have. */
export interface About {
  readonly jobIds?: readonly JobId[];
  readonly names?: readonly { readonly namespace: string; readonly name: string }[];
}

const row = <Asked extends Identified, Value>(given: CommandRow<Asked, Value>) => given;
const ofJob = ({ jobId }: { readonly jobId: JobId }): About => ({ jobIds: [jobId] });

/** Every command: what it asks and answers is what its decision takes and returns. */
const commands = {
  submitJob: row({
    decide: submitJob,
    lane: 'brings',
    about: ({ jobId, namespace, name, type, retry }) => ({
      // Services and daemons may bring an id of their own, which may be taken.
      jobIds: isKeptUp(type) ? [jobId] : [],
      // A job without a name of its own is called like its id, which is new.
      names: name !== jobId || retry ? [{ namespace, name }] : [],
    }),
  }),
  stopJob: row({ decide: stopJob, lane: 'frees', about: ofJob }),
  rerunJob: row({ decide: rerunJob, lane: 'brings', about: ofJob }),
  changeNode: row({ decide: changeNode, lane: 'frees' }),
};

export type CommandType = keyof typeof commands;
/** What each command asks, and what it is answered when it was carried out. */
export type Commands = {
  readonly [T in CommandType]: (typeof commands)[T] extends CommandRow<infer Asked, infer Value>
    ? { readonly asked: Asked; readonly answer: Value }
    : never;
};

/** A command as it travels from the Worker into its turn. */
export type CommandEvent<T extends CommandType = CommandType> = {
  readonly [K in T]: { readonly type: K; readonly command: Commands[K]['asked'] };
}[T];

/** One of them, as one of all: which the compiler does not see where the type is still open. */
export function anyOf<T extends CommandType>(event: CommandEvent<T>): CommandEvent {
  return event as unknown as CommandEvent;
}

/** What a type of command is answered. */
export type AnswerTo<T extends CommandType> = Answer<Commands[T]['answer']>;

const commandRows: {
  readonly [T in CommandType]: CommandRow<Commands[T]['asked'], Commands[T]['answer']>;
} = commands;

/** Everything that can happen to the Scheduler. */
export type CoreEvent =
  /** @property wasAway  nobody could run for a while: the alarm was due long ago, or was never set */
  | { readonly type: 'start'; readonly sessions: readonly SurvivingSession[]; readonly wasAway: boolean }
  | { readonly type: 'greeting'; readonly greeting: Greeting }
  | { readonly type: 'frame'; readonly session: Session; readonly frame: AgentFrame }
  | { readonly type: 'disconnect'; readonly session: string; readonly nodeId: NodeId; readonly why: string }
  | { readonly type: 'wake' }
  | CommandEvent;

/** Whether somebody waits for the event, which then has an id that makes it safe to send again. */
export function isCommand(event: CoreEvent): event is CommandEvent {
  return 'command' in event;
}

/** What a command is answered once the turn is committed; null for events that nobody waits for. */
export type Reply = AnswerTo<CommandType> | null;

export function laneOf({ type }: CommandEvent): 'frees' | 'brings' {
  return commandRows[type].lane;
}

/** What must be read for a command before it can be decided. */
export function aboutOf<T extends CommandType>({ type, command }: CommandEvent<T>): About {
  return commandRows[type].about?.(command) ?? {};
}

/**
 * Decides one event: rows, messages and deadlines go into the turn, the answer is returned. Synchronous, and with the
 * same world and environment always the same. `settle` follows once all events of the turn are decided.
 */
export function decide(turn: Turn, event: CoreEvent): Reply {
  if (isCommand(event)) return decideCommand(turn, event);
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
  }
}

function decideCommand<T extends CommandType>(turn: Turn, { type, command }: CommandEvent<T>): AnswerTo<T> {
  return commandRows[type].decide(turn, command);
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
