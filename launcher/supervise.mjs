const windowMs = 60_000;
const limit = 5;
const restartDelayMs = 300;

/**
 * Counts deaths of one thing.
 * @param {() => number} [now]
 * @returns {() => boolean} call at each death: true when it is one too many
 */
export function deathCounter(now = Date.now) {
  /** @type {number[]} */
  let deaths = [];
  return () => {
    deaths = [...deaths.filter((at) => at > now() - windowMs), now()];
    return deaths.length >= limit;
  };
}

/**
 * Keeps a process running: whenever it ends, another is started, until told to stop or it dies too often.
 * @param {object} options
 * @param {() => Promise<import('node:child_process').ChildProcess>} options.start
 * @param {() => boolean} options.isOneTooMany counts a death
 * @param {(how: string) => void} options.onDeath
 * @param {(reason: string) => void} options.onGiveUp
 * @returns {{ ready: Promise<void>, stop: () => void }} `stop` only ends the watching
 */
export function keepRunning({ start, isOneTooMany, onDeath, onGiveUp }) {
  let stopped = false;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;

  /** @param {string} how */
  const died = (how) => {
    if (stopped) return;
    if (isOneTooMany()) {
      stopped = true;
      onGiveUp(how);
      return;
    }
    onDeath(how);
    timer = setTimeout(() => void run().catch((error) => died(String(error))), restartDelayMs);
  };
  const run = async () => {
    const child = await start();
    if (child.exitCode !== null || child.signalCode !== null) died(describeEnd(child.exitCode, child.signalCode));
    else child.once('exit', (code, signal) => died(describeEnd(code, signal)));
  };
  const stop = () => {
    stopped = true;
    clearTimeout(timer);
  };
  return { ready: run(), stop };
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 */
function describeEnd(code, signal) {
  return signal === null ? `exit code ${code}` : signal;
}
