import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { agentLog, endLeftAgents, startAgent, stopAgent } from './agent.mjs';
import { startConfig } from './config.mjs';
import { stopDaemon } from './docker/daemon.mjs';
import { ensureEngine } from './docker/engine.mjs';
import { ensureImage } from './docker/image.mjs';
import { lastLines } from './log-file.mjs';
import { signalTo } from './processes.mjs';
import { connectedNodes, runSample, sayNextSteps } from './sample.mjs';
import { readSecrets } from './secrets.mjs';
import { checkSettings } from './settings.mjs';
import { UserError, messageOf, report, say } from '../say.mjs';
import { lockState, openState, readRecords } from './state.mjs';
import { deathCounter, keepRunning } from './supervise.mjs';
import { buildAll, workerBundle } from './worker/bundle.mjs';
import { assertPortFree, endLeftWorker, startWorker } from './worker/worker.mjs';

/** @typedef {import('./config.mjs').StartConfig} StartConfig */
/** @typedef {import('./docker/engine.mjs').EngineSearch} EngineSearch */

/** Ctrl-C reaches this process from the terminal and again from npm: that is one press. */
const samePressMs = 700;
const connectMs = 10_000;
/** Characters. */
const longestReason = 300;

/** Everything that one `npm start` runs, and how it ends. */
class Installation {
  /** @type {StartConfig} */
  #config;
  /** Undefined: the installation is open. */
  secrets;
  #stopping = new AbortController();
  /** @type {() => Promise<void>} */
  #unwatchWorker = async () => {};
  /** @type {(() => Promise<void>)[]} */
  #unwatchAgents = [];
  /** @type {EngineSearch | undefined} */
  #docker;
  /** @type {Promise<unknown>} */
  #dockerSearch = Promise.resolve();
  /** @type {import('./worker/worker.mjs').RunningWorker | undefined} */
  #worker;
  #stopAskedAt = 0;
  exitCode = 0;
  /** @type {Promise<void> | undefined} */
  #ended;

  /** @param {StartConfig} config */
  constructor(config) {
    this.#config = config;
    this.secrets = config.closed ? readSecrets(config.state, process.env) : undefined;
  }

  get url() {
    const { host, port } = this.#config;
    const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
  }

  get stopped() {
    return this.#stopping.signal;
  }

  async prepare() {
    const { host, port, state } = this.#config;
    await endLeftWorker(state);
    await endLeftAgents(state);
    await assertPortFree(port, host);
    rmSync(join(state, 'tmp'), { recursive: true, force: true });
    mkdirSync(join(state, 'tmp'), { recursive: true });
  }

  async start() {
    const search = this.#findDocker();
    this.#dockerSearch = search.catch(() => {});
    const worker = buildAll().then(() => this.#startWorker());
    await Promise.all([search, worker]);
    if (this.stopped.aborted) return;
    await this.#startAgents();
    const nodes = await connectedNodes(this, this.#config.agents, connectMs);
    report('Agents', nodes.length === 0 ? 'none is connected yet' : `connected: ${nodes.join(', ')}`);
  }

  async #findDocker() {
    const { state, docker } = this.#config;
    /** @param {string} line */
    const tell = (line) => report('Docker', line);
    this.#docker = docker
      ? await ensureEngine(state, process.env, tell)
      : { engine: undefined, reason: 'SHOAL_DOCKER=off' };
    const { engine } = this.#docker;
    if (engine === undefined) return tell(`none: ${this.#docker.reason}`);
    const whose =
      engine.own === undefined
        ? ''
        : engine.own.reused
          ? ' (a daemon of its own, still running)'
          : ' (a daemon of its own, started now)';
    tell(`${engine.dockerHost}${whose}`);
    try {
      report('Image', await ensureImage(engine.dockerHost, join(state, 'tmp')));
    } catch (error) {
      report('Image', messageOf(error));
    }
  }

  async #startWorker() {
    if (this.stopped.aborted) return;
    const { host, port, state, settings } = this.#config;
    const vars = { ...settings, SHOAL_MODE: 'open', ...closing(this.secrets) };
    let isOneTooMany = deathCounter();
    const onDeath = () => {
      if (this.stopped.aborted) return;
      report('Worker', 'died and is being restarted');
      // It would be brought back without a pause each time: its holder goes as well, and comes back after one.
      if (isOneTooMany()) this.#worker?.kill();
    };
    const watch = keepRunning({
      start: async () => {
        const migrated = this.#worker !== undefined;
        isOneTooMany = deathCounter();
        this.#worker = await startWorker({ state, host, port, vars, bundle: workerBundle, migrated }, onDeath);
        return this.#worker.host;
      },
      onDeath: (how, pauseMs) => report('Worker', `ended (${onOneLine(how)}) and is restarted in ${pauseMs / 1000} s`),
    });
    this.#unwatchWorker = watch.stop;
    await watch.ready;
    report('Worker', this.url);
    if (this.secrets === undefined) return;
    report('Tokens', `callers: ${this.secrets.adminFile}, agents: ${this.secrets.nodeFile}`);
  }

  async #startAgents() {
    const { agents, state } = this.#config;
    const dockerHost = this.#docker?.engine?.dockerHost;
    const numbers = Array.from({ length: agents }, (_, index) => index + 1);
    const starts = numbers.map((number) => {
      let hasComeUp = false;
      const options = {
        state,
        number,
        url: this.url,
        dockerHost,
        flags: shareFlags(agents),
        nodeToken: this.secrets?.nodeToken,
        onConnected: () => (hasComeUp = true),
      };
      const watch = keepRunning({
        start: () => startAgent(options),
        hasComeUp: () => hasComeUp,
        onDeath: (how, pauseMs) => {
          // Its own last words are the reason, where it had the time for some.
          const words = how.startsWith('exit code') ? `: ${onOneLine(lastLines(agentLog(state, number), 1))}` : '';
          report('Agent', `${number} ended (${how}${words}) and is restarted in ${pauseMs / 1000} s`);
        },
        onGiveUp: (how) => this.#giveUpAgent(number, how),
      });
      this.#unwatchAgents.push(watch.stop);
      return watch.ready;
    });
    await Promise.all(starts);
  }

  /**
   * @param {number} number
   * @param {string} how it ended
   */
  #giveUpAgent(number, how) {
    if (this.stopped.aborted) return;
    const log = agentLog(this.#config.state, number);
    say(`\nAgent ${number} does not come up (${how}); the end of ${log}:\n${lastLines(log, 15)}`);
    this.exitCode = 1;
    void this.stop();
  }

  /**
   * A signal: the first stops everything in order, a second Ctrl-C does it at once. Supervisors may send SIGTERM to several
   * processes that hand it on to each other: however often it comes, it is one wish.
   * @param {NodeJS.Signals} signal
   */
  interrupt(signal) {
    if (this.#stopAskedAt === 0) {
      this.#stopAskedAt = Date.now();
      say('\nStopping (Ctrl-C again: at once)');
      void this.stop();
    } else if (signal === 'SIGINT' && Date.now() - this.#stopAskedAt > samePressMs) {
      this.#killAll();
      process.exit(130);
    }
  }

  stop() {
    this.#ended ??= this.#stopInOrder();
    return this.#ended;
  }

  async #stopInOrder() {
    this.#stopping.abort();
    const { agents, state } = this.#config;
    // A Worker that is being started is ended, not waited for; an agent takes no time.
    const unwatched = this.#unwatchWorker();
    await Promise.all(this.#unwatchAgents.map((unwatch) => unwatch()));
    await Promise.all(Array.from({ length: agents }, (_, index) => stopAgent(state, index + 1)));
    await this.#worker?.stop();
    await endLeftWorker(state);
    const { dockerd } = readRecords(state);
    if (dockerd !== undefined) await stopDaemon(state);
    await unwatched;
    await this.#worker?.stop();
    await this.#dockerSearch;
    if (readRecords(state)['dockerd'] !== undefined) await stopDaemon(state);
  }

  #killAll() {
    for (const record of Object.values(readRecords(this.#config.state))) signalTo(record, 'SIGKILL');
    this.#docker?.engine?.own?.kill();
  }
}

/**
 * @param {string} text
 * @returns {string} at most as long as a reason may be
 */
function onOneLine(text) {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, longestReason);
}

/**
 * What closes the Worker.
 * @param {import('./secrets.mjs').Secrets | undefined} secrets
 * @returns {Record<string, string>}
 */
function closing(secrets) {
  if (secrets === undefined) return {};
  return { SHOAL_AUTH: 'required', SHOAL_ADMIN_TOKEN: secrets.adminToken, SHOAL_NODE_TOKEN: secrets.nodeToken };
}

/**
 * Several agents share the machine evenly.
 * @param {number} agents
 * @returns {string[]}
 */
function shareFlags(agents) {
  const percent = `${Math.floor(80 / agents)}%`;
  return agents === 1 ? [] : ['--cpu', percent, '--memory', percent, '--disk', percent];
}

/**
 * @param {StartConfig} config
 * @param {() => void} unlock
 */
function makeInstallation(config, unlock) {
  try {
    return new Installation(config);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** @param {readonly string[]} args */
export async function start(args) {
  const config = startConfig(process.env, args);
  checkSettings(process.env);
  openState(config.state);
  const unlock = lockState(config.state);
  const installation = makeInstallation(config, unlock);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => installation.interrupt(signal));
  }
  process.on('disconnect', () => void installation.stop());
  process.stdout.on('error', () => {});
  try {
    say('Starting Shoal');
    await installation.prepare();
    await installation.start();
    if (!installation.stopped.aborted) {
      await followSample(installation);
    }
    if (!installation.stopped.aborted) sayNextSteps(installation);
    await untilAborted(installation.stopped);
  } catch (error) {
    if (!installation.stopped.aborted) installation.exitCode = 1;
    if (!installation.stopped.aborted) say(error instanceof UserError ? `\n${error.message}` : String(error));
  } finally {
    await installation.stop();
    unlock();
  }
  return installation.exitCode;
}

/**
 * Until the sample ended or turned out to wait; what becomes of it later is told later.
 * @param {Installation} installation
 * @returns {Promise<void>}
 */
function followSample(installation) {
  const { stopped } = installation;
  return new Promise((resolve) => {
    runSample(installation, stopped, resolve)
      .catch((error) => {
        if (!stopped.aborted) say(`  the sample job could not be followed: ${messageOf(error)}`);
      })
      .finally(resolve);
  });
}

/** @param {AbortSignal} signal */
function untilAborted(signal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined));
  });
}
