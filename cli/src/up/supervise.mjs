import { messageOf } from '../say.mjs';

/** The first pause before what died is brought back; each further one is twice as long, up to the longest. */
const firstPauseMs = 300;
const longestPauseMs = 30_000;
/** What lived this long was well: its death is a first one again. */
const wellAfterMs = 60_000;
/** What never came up is not tried more often. */
const triesToComeUp = 5;

/**
 * Keeps a process running: whenever it ends, another is started after a pause, until told to stop. It is given up only
 * where it never came up.
 * @param {object} options
 * @param {() => Promise<import('node:child_process').ChildProcess>} options.start the first one may reject: then `ready`
 *   does; a later one counts as a death
 * @param {() => boolean} [options.hasComeUp] whether it ever worked; default: once `start` has resolved
 * @param {(how: string, pauseMs: number) => void} options.onDeath it is brought back after the pause
 * @param {(how: string) => void} [options.onGiveUp]
 * @returns {{ ready: Promise<void>, stop: () => Promise<void> }} `stop` only ends the watching; it resolves when nothing
 *   more is being started
 */
export function keepRunning({ start, hasComeUp = () => true, onDeath, onGiveUp = () => {} }) {
  let stopped = false;
  let deaths = 0;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  /**
   * @param {string} how
   * @param {number} livedMs
   */
  const died = (how, livedMs) => {
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
 * @param {() => number} [now]
 * @returns {() => boolean} call at each death: true when it is the fifth within a minute, or a later one
 */
export function deathCounter(now = Date.now) {
  /** @type {number[]} */
  let deaths = [];
  return () => {
    deaths = [...deaths.filter((at) => at > now() - 60_000), now()];
    return deaths.length >= 5;
  };
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function describeEnd(code, signal) {
  return signal === null ? `exit code ${code}` : signal;
}
