import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { DockerEngine } from './docker.ts';
import { LogShelf } from '../../logs/shelf.ts';
import { systemClock } from '../../machine/clock.ts';
import { printed } from '../../testing/printed.ts';
import { runLogged } from '../../testing/run-logged.ts';
import { shell, silentLog } from '../../testing/run-spec.ts';

const program = ['/usr/sbin/dockerd', '/usr/bin/dockerd', '/usr/local/bin/dockerd'].find((path) => existsSync(path));
const canStart = process.platform === 'linux' && process.getuid?.() === 0 && program !== undefined;

/** A dockerd of the test's own, without networks, which may be killed and started again. */
class Daemon {
  readonly host: string;
  readonly docker: Docker;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.host = `unix://${join(folder, 'docker.sock')}`;
    this.docker = new Docker({ socketPath: join(folder, 'docker.sock') });
  }

  /** @param keepsTasks whether containers outlive the daemon */
  async start(keepsTasks: boolean): Promise<void> {
    const folder = this.#folder;
    const namespace = `shoal-test-${folder.slice(-6)}`;
    const args = [
      ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
      ...['--pidfile', join(folder, 'pid'), '--host', this.host, '--config-file', join(folder, 'daemon.json')],
      ...['--containerd-namespace', namespace, '--containerd-plugins-namespace', `${namespace}-plugins`],
      ...['--bridge=none', '--iptables=false', '--log-level=error'],
      ...(keepsTasks ? ['--live-restore'] : []),
    ];
    // A killed one leaves these, and takes their numbers for those of processes that live.
    for (const file of ['pid', 'exec/containerd/containerd.pid']) await rm(join(folder, file), { force: true });
    // In a network of its own: a daemon without a bridge removes `docker0`, which is somebody else's.
    this.#child = spawn('unshare', ['--net', program ?? '', ...args], { stdio: 'ignore' });
    for (let tries = 0; tries < 450; tries++) {
      if (await this.docker.ping().catch(() => null)) return;
      await sleep(100);
    }
    throw new Error('dockerd did not start');
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const over = once(child, 'exit');
    child.kill(signal);
    await over;
  }
}

describe.skipIf(!canStart)('a daemon', () => {
  let folder: string;
  let daemon: Daemon;
  let engine: DockerEngine;
  let shelf: LogShelf;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dockerd-'));
    await mkdir(join(folder, 'exec'));
    await writeFile(join(folder, 'daemon.json'), '{}\n');
    daemon = new Daemon(folder);
    await daemon.start(true);
    const loading = await daemon.docker.loadImage(await new Docker().getImage('busybox:latest').get());
    loading.resume();
    await once(loading, 'end');
    engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), daemon.host);
    await engine.probe();
    const putPart = async () => 'refused' as const;
    const ports = { clock: systemClock, log: silentLog, putPart, isReported: () => true };
    shelf = new LogShelf(join(folder, 'logs'), ports);
  });

  afterAll(async () => {
    for (const { executionId } of await engine.list()) await engine.remove(executionId);
    await engine.close();
    await shelf.close();
    await daemon.end('SIGTERM');
    // One that lets containers outlive it leaves its mount as well.
    spawnSync('umount', ['-l', join(folder, 'data')]);
    await rm(folder, { recursive: true, force: true });
  });

  test('[fault:daemon killed] that is killed and comes back leaves the task running, and its log whole', async ({
    expect,
  }) => {
    const script = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.1; done';
    const spec = shell(script);
    const crash = async (): Promise<void> => {
      await printed(spec.executionId, '9\n', { docker: daemon.docker });
      await daemon.end('SIGKILL');
      await sleep(1_000);
      await daemon.start(true);
    };
    let crashed: Promise<void> = Promise.resolve();
    const onRunning = (): void => void (crashed = crash());
    const { outcome, stdout } = await runLogged({ engine, shelf }, spec, { onRunning });
    await crashed;
    expect(outcome).toMatchObject({ type: 'completed', output: { exitCode: 0 } });
    expect(stdout.toString('utf8')).toBe(Array.from({ length: 60 }, (_, i) => `${i + 1}\n`).join(''));
  });

  test('[fault:daemon restarted] that is restarted and ends its tasks: that is told, and the next task runs', async ({
    expect,
  }) => {
    await daemon.end('SIGTERM');
    await daemon.start(false);
    const spec = shell('echo begin; sleep 600');
    const restart = async (): Promise<void> => {
      await printed(spec.executionId, 'begin', { docker: daemon.docker });
      await daemon.end('SIGTERM');
      await daemon.start(false);
    };
    let restarted: Promise<void> = Promise.resolve();
    const onRunning = (): void => void (restarted = restart());
    const { outcome, stdout } = await runLogged({ engine, shelf }, spec, { onRunning });
    await restarted;
    expect(outcome).toMatchObject({ type: 'failed', failure: { class: 'infrastructure' } });
    expect(stdout.toString('utf8')).toBe('begin\n');
    const next = await runLogged({ engine, shelf }, shell('echo next'));
    expect(next.stdout.toString('utf8')).toBe('next\n');
  });
});
