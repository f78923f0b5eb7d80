import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { DockerEngine } from './docker.ts';
import type { StopRequest } from '../../journal/records.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { LogShelf, type LogLimits } from '../../logs/shelf.ts';
import { systemClock } from '../../machine/clock.ts';
import { createOn } from '../../testing/on-docker.ts';
import { printed } from '../../testing/printed.ts';
import { runLogged, type Ran } from '../../testing/run-logged.ts';
import { shell, silentLog } from '../../testing/run-spec.ts';

const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
let folder: string;
let engine: DockerEngine;
let daemon: Gate;

/** A way to the daemon that can hang, and be cut as by a restart. */
class Gate {
  readonly path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #hangs = false;

  constructor(path: string, target: string) {
    this.path = path;
    this.#server = createServer((near) => {
      const far = connect(target);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => this.#sockets.delete(from));
        // Its end comes after what was read before it: only a cut may lose what is on the way.
        from.pipe(to);
        if (this.#hangs) from.pause();
      }
    });
    this.#server.listen(path);
  }

  hang(hangs: boolean): void {
    this.#hangs = hangs;
    for (const socket of this.#sockets) {
      if (hangs) socket.pause();
      else socket.resume();
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faults-'));
  daemon = new Gate(join(folder, 'd.sock'), host.replace('unix://', ''));
  engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), `unix://${daemon.path}`);
  const health = await engine.probe();
  if (!health.ready) throw new Error(health.error);
});

afterAll(async () => {
  for (const { executionId } of await engine.list()) await engine.remove(executionId);
  await engine.close();
  await daemon.close();
  await rm(folder, { recursive: true });
});

/** Each with a log shelf of its own. */
async function run(
  spec: RunSpec,
  more: { stop?: AbortSignal; onRunning?: () => void; limits?: LogLimits } = {},
): Promise<Ran> {
  const putPart = async () => 'refused' as const;
  const ports = { clock: systemClock, log: silentLog, putPart, isReported: () => true };
  const shelf = new LogShelf(join(folder, randomUUID()), ports, more.limits);
  try {
    return await runLogged({ engine, shelf }, spec, more);
  } finally {
    await shelf.close();
  }
}

/** After whatever happened, the next task runs. */
async function nextRuns(): Promise<string> {
  return (await run(shell('echo next'))).stdout.toString('utf8');
}

describe('a task', () => {
  test('[fault:fork bomb] [limit:processes] that forks without end is held by its limit and ends by its timeout', async ({
    expect,
  }) => {
    const bomb = 'bomb() { bomb | bomb & }; bomb; sleep 600';
    const resources = { cpu: 0.5, memory: 256_000_000, disk: 0, gpu: 0 };
    const { outcome } = await run(shell(bomb, { executionTimeoutMs: 3_000, resources }));
    const message = 'Execution timed out after 3s';
    expect(outcome).toMatchObject({ type: 'failed', failure: { class: 'environment', message } });
    expect(await nextRuns()).toBe('next\n');
  });

  test('[fault:out of memory] [limit:memory] that fills its memory is told so', async ({ expect }) => {
    const resources = { cpu: 1, memory: 20_000_000, disk: 0, gpu: 0 };
    const { outcome, stdout } = await run(
      shell('echo begin; x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done', { resources }),
    );
    expect(outcome).toMatchObject({ failure: { class: 'environment', message: 'memory limit exceeded' } });
    expect(stdout.toString('utf8')).toBe('begin\n');
    expect(await nextRuns()).toBe('next\n');
  });

  test('[fault:SIGTERM ignored] that ignores SIGTERM is killed after its grace', async ({ expect }) => {
    const stop = new AbortController();
    const request: StopRequest = { kind: 'stop', message: 'enough' };
    const spec = shell('trap "echo heard" TERM; echo ready; while true; do sleep 0.1; done');
    const { outcome, stdout } = await run(spec, {
      stop: stop.signal,
      onRunning: () => void printed(spec.executionId, 'ready').finally(() => stop.abort(request)),
    });
    expect(outcome).toMatchObject({ type: 'cancelled', message: 'enough' });
    // Only SIGKILL ends it, and not before it had the time to hear the other.
    expect(stdout.toString('utf8')).toBe('ready\nheard\n');
  });

  test('[fault:quick end] that ends before anybody could attach has its whole output, twenty times', async ({
    expect,
  }) => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => run(shell(`echo ${i}; echo e${i} >&2`, small))));
    expect(all.map(({ stdout }) => stdout.toString('utf8'))).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n`));
    expect(all.map(({ stderr }) => stderr)).toEqual(Array.from({ length: 20 }, (_, i) => `e${i}\n`));
  });

  test('[fault:broken text] that prints NUL, broken UTF-8 and no end of line is kept to the byte', async ({
    expect,
  }) => {
    const { stdout, outcome } = await run(shell(String.raw`printf 'a\000b\377\376\303'`));
    expect([...stdout]).toEqual([0x61, 0, 0x62, 0xff, 0xfe, 0xc3]);
    expect(outcome).toMatchObject({ output: { stdout: 'a\u{fffd}b\u{fffd}\u{fffd}\u{fffd}' } });
  });

  test('[fault:much output] that prints much at full speed is kept whole', async ({ expect }) => {
    const { stdout, stderr } = await run(
      shell('head -c 100000000 /dev/urandom > /tmp/x; sha256sum < /tmp/x >&2; cat /tmp/x', {
        resources: { cpu: 1, memory: 256_000_000, disk: 0, gpu: 0 },
      }),
    );
    expect(stdout.length).toBe(100_000_000);
    expect(stderr.slice(0, 64)).toBe(createHash('sha256').update(stdout).digest('hex'));
  });

  test('[fault:endless output] that prints more than a log may hold keeps the first and the last half, and says how much is missing', async ({
    expect,
  }) => {
    const lines = 5_000_000;
    const all = Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('');
    const limit = 16_000_000;
    const { stdout, stderr } = await run(shell(`seq 1 ${lines}`, quick), { limits: { log: limit } });
    const kept = stdout.toString('latin1');
    const missing = Number(/^\[shoal: (\d+) bytes of output are missing here/.exec(stderr)?.[1]);
    expect(kept.length + missing).toBe(all.length);
    let first = 0;
    while (kept[first] === all[first]) first += 1;
    // Digits of both sides of the cut may be the same, so its place is found to a few bytes only.
    const last = kept.slice(first);
    expect(all.endsWith(last)).toBe(true);
    for (const half of [first, last.length]) {
      expect(half).toBeGreaterThan(0.4 * limit);
      expect(half).toBeLessThan(0.55 * limit);
    }
  });
});

const quick = { resources: { cpu: 1, memory: 64_000_000, disk: 0, gpu: 0 } };
const small = { resources: { cpu: 0.2, memory: 16_000_000, disk: 0, gpu: 0 } };

describe('the daemon', () => {
  test('[fault:daemon gone] is gone for a while: the task goes on, and its log is whole', async ({ expect }) => {
    const script = 'i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo $i; sleep 0.1; done';
    const spec = shell(script);
    const { outcome, stdout } = await run(spec, {
      onRunning: () => void printed(spec.executionId, '\n').finally(() => daemon.cut()),
    });
    expect(outcome).toMatchObject({ type: 'completed', output: { exitCode: 0 } });
    expect(stdout.toString('utf8')).toBe(Array.from({ length: 20 }, (_, i) => `${i + 1}\n`).join(''));
  });

  test('[fault:daemon gone] is gone for a while, and has dropped the beginning of a long log: that is gone on with where it was left', async ({
    expect,
  }) => {
    const [long, lines] = [280_000_000, 80];
    const script = `yes ${'x'.repeat(3_999)} | head -c ${long}; echo; i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo line $i; sleep 0.1; done`;
    const spec = shell(script, quick);
    // Of the long line nobody could tell where in it the agent was; after it each line is another.
    const onRunning = (): void => void printed(spec.executionId, 'line 2', { tail: 2 }).finally(() => daemon.cut());
    const { outcome, stdout, stderr } = await run(spec, { onRunning });
    expect(outcome).toMatchObject({ type: 'completed' });
    const end = `\n${Array.from({ length: lines }, (_, i) => `line ${i + 1}\n`).join('')}`;
    expect(stdout.subarray(-end.length).toString('latin1')).toBe(end);
    expect([stderr, stdout.length]).toEqual(['', long + end.length]);
  });

  test('[fault:daemon gone] is gone for a while, twice, while a task prints at full speed: its log is whole all the same', async ({
    expect,
  }) => {
    const lines = 3_000_000;
    const timers: NodeJS.Timeout[] = [];
    const onRunning = (): void => void timers.push(...[1_000, 3_500].map((ms) => setTimeout(() => daemon.cut(), ms)));
    const { outcome, stdout, stderr } = await run(shell(`seq 1 ${lines}`, quick), { onRunning });
    for (const timer of timers) clearTimeout(timer);
    expect(outcome).toMatchObject({ type: 'completed' });
    const all = Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('');
    expect([stderr, stdout.length]).toEqual(['', all.length]);
    expect(stdout.equals(Buffer.from(all))).toBe(true);
  });

  test('[fault:daemon gone] is gone while a task starts, prints and ends: its log is whole all the same', async ({
    expect,
  }) => {
    const spec = shell('echo hello; echo end >&2; printf "no end of line"');
    const ports = {
      engine,
      clock: systemClock,
      log: silentLog,
      putPart: async () => 'refused' as const,
      isReported: () => true,
    };
    const shelf = new LogShelf(join(folder, randomUUID()), ports);
    await createOn(engine, spec, 'none');
    const recording = await shelf.record(engine, spec, 'created');
    daemon.cut();
    // Connections that it had are found broken first.
    for (let tries = 0; tries < 10; tries += 1) {
      const isStarted = await engine.start(spec.executionId).then(
        () => true,
        () => false,
      );
      if (isStarted) break;
    }
    await engine.wait(spec.executionId);
    await recording?.finish();
    expect(recording?.heads()).toMatchObject({ stdout: 'hello\nno end of line', stderr: 'end\n' });
    await engine.remove(spec.executionId);
    await shelf.close();
  });

  test('[fault:daemon hangs] hangs for a while: the task ends as it would have', async ({ expect }) => {
    const { outcome, stdout } = await run(shell('echo one; sleep 2; echo two'), {
      onRunning: () => {
        setTimeout(() => daemon.hang(true), 300);
        setTimeout(() => daemon.hang(false), 5_000);
      },
    });
    expect(outcome).toMatchObject({ type: 'completed' });
    expect(stdout.toString('utf8')).toBe('one\ntwo\n');
    expect(await nextRuns()).toBe('next\n');
  });

  test('[fault:container removed] lost the container to somebody else: the task fails without costing an attempt', async ({
    expect,
  }) => {
    const spec = shell('echo begin; sleep 600');
    const { outcome } = await run(spec, {
      onRunning: () =>
        void printed(spec.executionId, 'begin')
          .then(() => engine.remove(spec.executionId))
          .catch(() => {}),
    });
    expect(outcome).toMatchObject({ type: 'failed', failure: { class: 'infrastructure' } });
  });
});
