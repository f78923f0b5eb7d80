import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { agentLog, endLeftAgents, startAgent, stopAgent } from './agent.ts';
import { startConfig, type StartConfig } from './config.ts';
import { stopDaemon } from './docker/daemon.ts';
import { ensureEngine, type EngineSearch } from './docker/engine.ts';
import { ensureImage } from './docker/image.ts';
import { lastLines } from './log-file.ts';
import { signalTo } from './processes.ts';
import { connectedNodes, runSample, sayNextSteps } from './sample.ts';
import { readSecrets, type Secrets } from './secrets.ts';
import { checkSettings, handedOn, startHelp } from './settings.ts';
import { UserError, messageOf, report, say } from '../say.mjs';
import { lockState, openState, readRecords } from './state.ts';
import { deathCounter, keepRunning } from './supervise.ts';
import { buildAll, workerBundle } from './worker/bundle.ts';
import { assertPortFree, endLeftWorker, startWorker, type RunningWorker } from './worker/worker.ts';

/** Ctrl-C reaches this process from the terminal and again from npm: that is one press. */
const samePressMs = 700;
const connectMs = 10_000;
/** Characters. */
const longestReason = 300;

/** Everything that one `npm start` runs, and how it ends. */
class Installation {
  #config: StartConfig;
  /** Undefined: the installation is open. */
  secrets;
  #stopping = new AbortController();
  #unwatchWorker: () => Promise<void> = async () => {};
  #unwatchAgents: (() => Promise<void>)[] = [];
  #docker: EngineSearch | undefined;
  #dockerSearch: Promise<unknown> = Promise.resolve();
  #worker: RunningWorker | undefined;
  #stopAskedAt = 0;
  exitCode = 0;
  #ended: Promise<void> | undefined;

  constructor(config: StartConfig) {
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
    const tell = (line: string) => report('Docker', line);
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
    const { host, port, state } = this.#config;
    const vars = { ...handedOn(process.env), SHOAL_MODE: 'open', ...closing(this.secrets) };
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

  /** @param how it ended */
  #giveUpAgent(number: number, how: string) {
    if (this.stopped.aborted) return;
    const log = agentLog(this.#config.state, number);
    say(`\nAgent ${number} does not come up (${how}); the end of ${log}:\n${lastLines(log, 15)}`);
    this.exitCode = 1;
    void this.stop();
  }

  /**
   * A signal: the first stops everything in order, a second Ctrl-C does it at once. Supervisors may send SIGTERM to several
   * processes that hand it on to each other: however often it comes, it is one wish.
   */
  interrupt(signal: NodeJS.Signals) {
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

/** @returns at most as long as a reason may be */
function onOneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, longestReason);
}

/** What closes the Worker. */
function closing(secrets: Secrets | undefined): Record<string, string> {
  if (secrets === undefined) return {};
  return { SHOAL_AUTH: 'required', SHOAL_ADMIN_TOKEN: secrets.adminToken, SHOAL_NODE_TOKEN: secrets.nodeToken };
}

/** Several agents share the machine evenly. */
function shareFlags(agents: number): string[] {
  const percent = `${Math.floor(80 / agents)}%`;
  return agents === 1 ? [] : ['--cpu', percent, '--memory', percent, '--disk', percent];
}

function makeInstallation(config: StartConfig, unlock: () => void) {
  try {
    return new Installation(config);
  } catch (error) {
    unlock();
    throw error;
  }
}

export async function start(args: readonly string[]) {
  if (args.includes('--help')) {
    say(startHelp);
    return 0;
  }
  const config = startConfig(process.env, checkSettings(process.env), args);
  openState(config.state);
  const unlock = lockState(config.state);
  const installation = makeInstallation(config, unlock);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => installation.interrupt(signal));
  }
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

/** Until the sample ended or turned out to wait; what becomes of it later is told later. */
function followSample(installation: Installation): Promise<void> {
  const { stopped } = installation;
  return new Promise((resolve) => {
    runSample(installation, stopped, resolve)
      .catch((error) => {
        if (!stopped.aborted) say(`  the sample job could not be followed: ${messageOf(error)}`);
      })
      .finally(resolve);
  });
}

function untilAborted(signal: AbortSignal) {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined));
  });
}
