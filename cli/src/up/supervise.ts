import type { ChildProcess } from 'node:child_process';
import { messageOf } from '../say.mjs';

/** The first pause before what died is brought back; each further one is twice as long, up to the longest. */
const firstPauseMs = 300;
const longestPauseMs = 30_000;
/** What lived this long was well: its death is a first one again. */
const wellAfterMs = 60_000;
/** What never came up is not tried more often. */
const triesToComeUp = 5;

interface WatchOptions {
  /** The first one may reject: then `ready` does; a later one counts as a death. */
  readonly start: () => Promise<ChildProcess>;
  /** Whether it ever worked; default: once `start` has resolved. */
  readonly hasComeUp?: () => boolean;
  /** It is brought back after the pause. */
  readonly onDeath: (how: string, pauseMs: number) => void;
  readonly onGiveUp?: (how: string) => void;
}

interface Watch {
  readonly ready: Promise<void>;
  /** Ends the watching, not the process; resolves when nothing more is being started. */
  readonly stop: () => Promise<void>;
}

/**
 * Keeps a process running: whenever it ends, another is started after a pause, until told to stop. It is given up only
 * where it never came up.
 */
export function keepRunning({ start, hasComeUp = () => true, onDeath, onGiveUp = () => {} }: WatchOptions): Watch {
  let stopped = false;
  let deaths = 0;
  let timer: NodeJS.Timeout | undefined;

  const died = (how: string, livedMs: number) => {
    if (stopped) return;
    deaths = livedMs < wellAfterMs ? deaths + 1 : 1;
    if (deaths >= triesToComeUp && !hasComeUp()) {
      stopped = true;
      return onGiveUp(how);
    }
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** (deaths - 1));
    onDeath(how, pauseMs);
    timer = setTimeout(() => {
      starting = run().catch((error) => died(messageOf(error), 0));
    }, pauseMs);
  };
  const run = async () => {
    const child = await start();
    const begin = Date.now();
    if (child.exitCode !== null || child.signalCode !== null) died(describeEnd(child.exitCode, child.signalCode), 0);
    else child.once('exit', (code, signal) => died(describeEnd(code, signal), Date.now() - begin));
  };
  const stop = async () => {
    stopped = true;
    clearTimeout(timer);
    await starting.catch(() => {});
  };
  let starting = run();
  return { ready: starting, stop };
}

/**
 * Counts deaths of what brings itself back, without a pause.
 * @returns call at each death: true when it is the fifth within a minute, or a later one
 */
export function deathCounter(now: () => number = Date.now): () => boolean {
  let deaths: number[] = [];
  return () => {
    deaths = [...deaths.filter((at) => at > now() - 60_000), now()];
    return deaths.length >= 5;
  };
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null) {
  return signal === null ? `exit code ${code}` : signal;
}
