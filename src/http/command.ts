import { backoffMs } from '../../schema/backoff.ts';
import { ShoalError } from '../../schema/errors.ts';
import { log } from '../log.ts';
import type { Answer, Commands, CommandType, SchedulerRpc } from '../scheduler/rpc.ts';
import type { Deps } from './deps.ts';

/** How often one command is sent, and for how long in all. */
const MAX_SENDS = 3;
const MAX_SENDING_MS = 10_000;
const PAUSES = { firstMs: 100, mostMs: MAX_SENDING_MS, factor: 4 };
/** How long an answer is waited for; then the database is asked. */
const MAX_WAIT_MS = 25_000;

const TIMED_OUT = Symbol('timed out');

/** What a command needs of the Worker. */
export type CommandDeps = Pick<Deps, 'now' | 'sleep'> & {
  readonly reads: Pick<Deps['reads'], 'commandAnswer'>;
  readonly scheduler: Pick<SchedulerRpc, 'command'>;
};

/**
 * Sends a command to the Scheduler until its outcome is known. A call that throws says nothing about whether the command
 * was carried out; the command's id makes it safe to send again, and its row in D1 tells whether it was.
 *
 * @param asked the command without `retry`, which is true from the second time on
 * @throws ShoalError what the Scheduler answered, or 503 when the outcome stays unknown
 */
export async function command<T extends CommandType>(
  deps: CommandDeps,
  type: T,
  asked: Omit<Commands[T]['asked'], 'retry'> & { readonly commandId: string },
): Promise<Commands[T]['answer']> {
  type Value = Commands[T]['answer'];
  const { commandId } = asked;
  const send = (retry: boolean) => deps.scheduler.command({ type, command: { ...asked, retry } });
  const start = deps.now();
  let cause: unknown;
  for (let sends = 0; sends < MAX_SENDS; sends++) {
    if (sends > 0) await deps.sleep(backoffMs(PAUSES, sends - 1));
    try {
      const answer = await Promise.race([send(sends > 0), deps.sleep(MAX_WAIT_MS).then(() => TIMED_OUT)]);
      if (answer !== TIMED_OUT) return valueOf(answer as Answer<Value>);
      cause = new Error(`no answer within ${MAX_WAIT_MS} ms`);
      break;
    } catch (error) {
      // A ShoalError is the Scheduler's own answer.
      if (error instanceof ShoalError) throw error;
      cause = error;
      if (!maySendAgain(error) || deps.now() - start >= MAX_SENDING_MS) break;
      log('command.resent', { commandId, sends: sends + 1, error: String(error) }, 'warn');
    }
  }
  return valueOf(await recall<Value>(deps, commandId, cause));
}

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw ShoalError.from(answer.error);
  return answer.value;
}

/** The platform marks errors that a second call may not meet; an overloaded object must not get one. */
function maySendAgain(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const marks = error as { retryable?: unknown; overloaded?: unknown };
  return marks.retryable === true && marks.overloaded !== true;
}

/** The answer as it was committed with the command's effects. */
async function recall<T>(deps: CommandDeps, commandId: string, cause: unknown): Promise<Answer<T>> {
  const stored = await deps.reads.commandAnswer(commandId);
  if (stored === null) {
    const who = /the database does not answer/.test(String(cause)) ? 'database' : 'scheduler';
    throw new ShoalError('ServiceUnavailable', `unknown outcome: the ${who} did not answer`, {
      component: 'Scheduler',
      hint: 'Look whether the change was made, then try again.',
      retryAfterSeconds: 1,
      cause,
    });
  }
  // Only commands that were carried out have a row: a refusal changes nothing and leaves none.
  return { ok: true, value: JSON.parse(stored) as T };
}
