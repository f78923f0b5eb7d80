import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { ExecutionId } from '@shoal/schema/ids';
import { SHOAL_VERSION } from '@shoal/schema/version';
import { Agent } from './agent.ts';
import { checkShares, ConfigError, HELP, parseConfig, type Config } from './config.ts';
import { makeDial } from './link/dialer.ts';
import { makeEngines } from './engines/engines.ts';
import { FileJournal } from './journal/file-journal.ts';
import { LogLinks } from './logs/links.ts';
import { makePutPart } from './logs/put-part.ts';
import { LogShelf } from './logs/shelf.ts';
import { measureMachine, measureWhole, offered, platform } from './machine/capacity.ts';
import { systemClock } from './machine/clock.ts';
import { askTool, findGpus, gpuLabels } from './machine/gpus.ts';
import { makeLog } from './machine/log.ts';
import { openStateDir } from './machine/state-dir.ts';
import { errorText, type Log } from './ports.ts';

const BAD_CONFIG = 2;
const FAILED = 1;
/** 128 + SIGINT, as shells count. */
const INTERRUPTED = 130;

async function main(): Promise<void> {
  const parsed = parseConfig(process.argv.slice(2), process.env);
  if (parsed.type === 'help') return void process.stdout.write(HELP);
  if (parsed.type === 'version') return void process.stdout.write(`${SHOAL_VERSION}\n`);
  await run(parsed.config);
}

async function run(config: Config): Promise<void> {
  const state = await openStateDir(config.stateDir, config.nodeId);
  checkShares(config, await measureWhole(config.stateDir));
  const { nodeId } = state;
  const log = makeLog(config.logLevel, nodeId);
  const journal = await FileJournal.open(state.journalPath, Date.now, (lines) =>
    log.warn('journal.damaged', { lines }),
  );
  const { os, arch } = platform();
  const gpus = await findGpus(askTool);
  const capacity = offered(await measureMachine(config.stateDir, gpus.length), config.shares);
  const engines = makeEngines({ nodeId, gpus, log, docker: { ...config.docker, host: config.dockerHost } });
  const isReported = (executionId: ExecutionId): boolean => {
    const entry = journal.entries.get(executionId);
    return entry === undefined || (entry.state === 'ended' && entry.acknowledged);
  };
  const logPorts = { clock: systemClock, log, putPart: makePutPart(config.url), isReported };
  const shelf = new LogShelf(state.logsPath, logPorts, { budget: config.logBudget });
  const links = new LogLinks({ clock: systemClock, log, base: config.url, shelf });
  const agent = new Agent(
    {
      dial: makeDial(config.url, config.token),
      clock: systemClock,
      random: Math.random,
      log,
      engines,
      env: process.env,
      journal,
      // Inputs and results belong to executions, and these to one identity.
      workFolder: join(config.stateDir, `work-${nodeId}`),
      logs: { shelf, links },
    },
    {
      nodeId,
      instance: randomUUID(),
      os,
      arch,
      hostname: hostname(),
      // Later ones win, as in Bacalhau: what the machine is cannot be overridden.
      labels: { ...config.labels, os_type: os, os_arch: arch, name: config.name ?? nodeId, ...gpuLabels(gpus) },
      capacity,
      policy: config.policy,
    },
  );
  const { url, stateDir } = config;
  log.info('agent.started', { version: SHOAL_VERSION, url: url.href, stateDir, pid: process.pid, capacity });
  warnOfClearToken(config, log);
  endOnSignals(async (reason) => {
    await agent.stop(reason);
    await journal.close();
    await state.release();
  });
  await agent.start();
}

function endOnSignals(stop: (reason: string) => Promise<void>): void {
  let asked = false;
  const end = (signal: string): void => {
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    stop(signal).then(
      () => process.exit(0),
      () => process.exit(FAILED),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

function warnOfClearToken({ url, token }: Config, log: Log): void {
  const loopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (token === null || loopback || url.protocol === 'https:' || url.protocol === 'wss:') return;
  log.warn('token.exposed', { hint: 'The node token goes over the network in clear: use https, or an ssh tunnel.' });
}

main().catch((error: unknown) => {
  process.stderr.write(`shoal-agent: ${errorText(error)}\n`);
  process.exit(error instanceof ConfigError ? BAD_CONFIG : FAILED);
});
