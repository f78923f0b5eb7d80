import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepBounded, lastLines, rotate, type LogBounds } from '../log-file.ts';
import { endProcess, isAlive, processesNaming, recordOf, signalTo } from '../processes.ts';
import { keepRecord, readRecords } from '../state.ts';
import { findProgram } from './apt.ts';
import { pingDocker } from './api.ts';

/** A dockerd of our own under a state folder; it shares nothing with one of the system. */
export interface OwnDaemon {
  readonly dockerHost: string;
  /** It ran already. */
  readonly reused: boolean;
  readonly stop: () => Promise<void>;
  /** Ends it at once. */
  readonly kill: () => void;
}

const recordName = 'dockerd';
const startDeadlineMs = 30_000;
/** dockerd gives its containers 15 s to stop. */
const stopGraceMs = 20_000;
/** What dockerd adds to its exec root: `/containerd/containerd.sock.ttrpc`; a socket's path has at most 107 bytes. */
const longestSocketName = 40;
const longestSocketPath = 107;

/** Tried in turn: some machines (containers, above all) have no iptables, some no overlay file system. */
const variants: readonly (readonly string[])[] = [
  [],
  ['--iptables=false', '--bridge=none'],
  ['--iptables=false', '--bridge=none', '--storage-driver=vfs'],
];

function pathsOf(state: string) {
  const folder = join(state, 'docker');
  const short = `/run/shoal-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`;
  const fits = Buffer.byteLength(folder) + '/exec'.length + longestSocketName <= longestSocketPath;
  return {
    data: join(folder, 'data'),
    /** A deep state folder leaves no room for sockets; then they are in a folder of root's in /run. */
    exec: fits ? join(folder, 'exec') : short,
    socket: fits ? join(folder, 'docker.sock') : `${short}/docker.sock`,
    log: join(state, 'logs', 'dockerd.log'),
    folder,
    short,
  };
}

function makePrivate(folder: string) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const info = lstatSync(folder);
  if (!info.isDirectory() || info.uid !== process.getuid?.()) throw new Error(`${folder} is not a folder of this user`);
}

/** @throws Error that says why no daemon came up */
export async function startDaemon(state: string, logBounds?: LogBounds): Promise<OwnDaemon> {
  const daemon = await bringUp(state);
  const record = readRecords(state)[recordName];
  // It logs to the file itself, since it outlives a launcher that was killed.
  keepBounded(pathsOf(state).log, () => record === undefined || !isAlive(record), logBounds);
  return daemon;
}

async function bringUp(state: string): Promise<OwnDaemon> {
  const paths = pathsOf(state);
  const dockerHost = `unix://${paths.socket}`;
  const daemon = { dockerHost, stop: () => stopDaemon(state), kill: () => killDaemon(state) };
  const left = readRecords(state)[recordName];
  if (left !== undefined && isAlive(left)) {
    if ((await pingDocker(dockerHost)) === undefined) return { ...daemon, reused: true };
    await stopDaemon(state);
  }
  await clearLeft(state);
  const program = findProgram('dockerd');
  if (program === undefined) throw new Error('dockerd is not installed');
  makePrivate(paths.folder);
  makePrivate(paths.exec);
  for (const variant of variants) {
    if (await tryVariant(state, program, variant)) return { ...daemon, reused: false };
  }
  throw new Error(`dockerd did not start; the end of ${paths.log}:\n${lastLines(paths.log, 5)}`);
}

async function tryVariant(state: string, program: string, variant: readonly string[]) {
  const paths = pathsOf(state);
  const namespace = `shoal-${createHash('sha256').update(paths.folder).digest('hex').slice(0, 12)}`;
  const settings: readonly (readonly [string, string])[] = [
    ['--data-root', paths.data],
    ['--exec-root', paths.exec],
    ['--pidfile', join(paths.folder, 'dockerd.pid')],
    ['--host', `unix://${paths.socket}`],
    ['--config-file', join(paths.folder, 'daemon.json')],
    // Where the system runs a containerd, dockerd uses that one: keep apart from what else is in it.
    ['--containerd-namespace', namespace],
    ['--containerd-plugins-namespace', `${namespace}-plugins`],
    ['--log-level', 'warn'],
  ];
  rmSync(join(paths.folder, 'dockerd.pid'), { force: true });
  writeFileSync(join(paths.folder, 'daemon.json'), '{}\n');
  rotate(paths.log);
  const out = openSync(paths.log, 'a');
  const child = spawn(program, [...settings.flat(), ...variant], {
    detached: true,
    stdio: ['ignore', out, out],
    env: daemonEnv(),
  });
  closeSync(out);
  const over = new AbortController();
  child.once('exit', () => over.abort());
  child.once('error', () => over.abort());
  child.unref();
  keepRecord(state, recordName, child.pid);
  const until = Date.now() + startDeadlineMs;
  while (!over.signal.aborted && Date.now() < until) {
    if (existsSync(paths.socket) && (await pingDocker(`unix://${paths.socket}`)) === undefined) return true;
    await sleep(100);
  }
  await stopDaemon(state);
  return false;
}

/** The daemon is nobody's client: a DOCKER_HOST meant for others must not reach it. */
function daemonEnv() {
  const { DOCKER_HOST: _host, TMPDIR: _tmp, ...env } = process.env;
  return { ...env, PATH: `${env['PATH'] ?? ''}:/usr/sbin:/sbin` };
}

/** Ends the daemon, its containers and its mounts. */
export async function stopDaemon(state: string) {
  const record = readRecords(state)[recordName];
  if (record !== undefined) await endProcess(record, stopGraceMs);
  await clearLeft(state);
}

function killDaemon(state: string) {
  const record = readRecords(state)[recordName];
  if (record !== undefined) signalTo(record, 'SIGKILL');
  for (const pid of processesNaming(`${pathsOf(state).exec}/`)) {
    const left = recordOf(pid);
    if (left !== undefined) signalTo(left, 'SIGKILL');
  }
}

/**
 * What a killed daemon leaves: containerd, its shims (their containers end with them) and mounts. All of them name the
 * exec root or the data root, which are only ours.
 */
async function clearLeft(state: string) {
  const { exec, folder, short } = pathsOf(state);
  const left = processesNaming(`${exec}/`).flatMap((pid) => recordOf(pid) ?? []);
  await Promise.all(left.map((record) => endProcess(record, 2_000)));
  for (const point of mountsUnder([`${folder}/`, `${short}/`])) spawnSync('umount', ['-l', point]);
  if (existsSync(short)) rmSync(short, { recursive: true, force: true });
  keepRecord(state, recordName, undefined);
}

/** Mount points below the folders, innermost first. */
export function mountsUnder(folders: readonly string[]) {
  if (!existsSync('/proc/self/mounts')) return [];
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll(String.raw`\040`, ' '));
  return points.filter((point) => folders.some((folder) => point.startsWith(folder))).toReversed();
}
