import { ShoalError } from '../../schema/errors.ts';
import { MAX_INBOX_BYTES, MAX_INBOX_COMMANDS, MAX_TURN_BYTES, MAX_TURN_EVENTS } from '../../schema/limits.ts';
import { isCommand, type CoreEvent, type Reply } from '../core/decide.ts';

/** An event that waits for its turn, with whoever waits for it. */
export interface Waiting {
  readonly event: CoreEvent;
  /** About how much of a turn it takes. */
  readonly bytes: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** What agents say first, then what frees nodes, then deadlines, then new work. */
const order: Readonly<Record<CoreEvent['type'], number>> = {
  start: 0,
  greeting: 1,
  frame: 1,
  disconnect: 1,
  stopJob: 2,
  changeNode: 2,
  wake: 3,
  submitJob: 4,
  rerunJob: 4,
};

/** Events between turns. Bounded: commands beyond the bound are refused, frames are dropped and come again. */
export class Inbox {
  #lanes: Waiting[][] = [[], [], [], [], []];
  #bytes = 0;
  #count = 0;
  dropped = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Resolves once the event's turn is committed. @throws ShoalError ServiceUnavailable when a command finds it full */
  add(event: CoreEvent, bytes: number): Promise<Reply> {
    if (this.#count >= MAX_INBOX_COMMANDS || this.#bytes + bytes > MAX_INBOX_BYTES) {
      if (isCommand(event)) return Promise.reject(tooBusy());
      if (event.type === 'frame') {
        this.dropped += 1;
        return Promise.resolve(null);
      }
    }
    return new Promise((resolve, reject) => {
      this.#lanes[order[event.type]]?.push({ event, bytes, resolve, reject });
      this.#bytes += bytes;
      this.#count += 1;
    });
  }

  /** Takes out what fits one turn, in order; at least one event when there is any. */
  take(): Waiting[] {
    const taken: Waiting[] = [];
    let bytes = 0;
    for (const lane of this.#lanes) {
      let from = 0;
      for (; from < lane.length; from++) {
        const next = lane[from];
        if (next === undefined || taken.length === MAX_TURN_EVENTS) break;
        if (taken.length > 0 && bytes + next.bytes > MAX_TURN_BYTES) break;
        taken.push(next);
        bytes += next.bytes;
      }
      lane.splice(0, from);
    }
    this.#bytes -= bytes;
    this.#count -= taken.length;
    return taken;
  }
}

export function tooBusy(): ShoalError {
  return new ShoalError('ServiceUnavailable', 'the scheduler has more commands waiting than it takes', {
    component: 'Scheduler',
    hint: 'Try again in a few seconds.',
    retryAfterSeconds: 2,
  });
}
