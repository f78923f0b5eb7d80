import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { NodeId, type ExecutionId } from '@shoal/schema/ids';
import { DockerEngine } from '../engines/docker/docker.ts';
import type { ContainerNetwork } from '../engines/engine.ts';
import type { StopRequest } from '../journal/records.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { filterNames } from '../engines/docker/egress-filter.ts';
import type { Outcome } from './outcome.ts';
import { createOn, runOn, runOnDocker, stdoutOf } from '../testing/on-docker.ts';
import { printed } from '../testing/printed.ts';
import { runSpec, shell, task } from '../testing/run-spec.ts';

const engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), process.env['DOCKER_HOST'] ?? null);

type Options = Parameters<typeof runOnDocker>[2];

const run = (spec: RunSpec, options: Options = {}): Promise<Outcome> => runOnDocker(engine, spec, options);
const stdout = async (spec: RunSpec, options: Options = {}): Promise<string> => stdoutOf(await run(spec, options));

function failure(outcome: Outcome): { class: string; message: string; topic: string; hint: string } {
  if (outcome.type !== 'failed') throw new Error(JSON.stringify(outcome));
  return outcome.failure;
}

beforeAll(async () => {
  const health = await engine.probe();
  if (!health.ready) throw new Error(`${health.error} ${health.hint}`);
});

afterAll(async () => {
  for (const { executionId } of await engine.list()) await engine.remove(executionId);
});

describe('a task in Docker', () => {
  test('[hardening:host paths] nothing of the machine is mounted into it but the files that Docker makes for it', async ({
    expect,
  }) => {
    const script = "cut -d' ' -f4,5 /proc/self/mountinfo | grep -vE '^/ ' | grep -vE ' /(proc|sys|dev)(/|$)'";
    const lines = (await stdout(shell(script))).trim().split('\n');
    // Where Docker keeps these is all that a task learns of the machine's paths.
    const own = /\/containers\/[0-9a-f]{64}\/(hostname|hosts|resolv\.conf) \/etc\/\1$/;
    expect(lines.filter((line) => !own.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(0);
  });

  test('an inline input is there to be read, a file or a packed folder, and not to be written', async ({ expect }) => {
    const workFolder = await mkdtemp(join(tmpdir(), 'shoal-inputs-'));
    const tar = pack();
    tar.entry({ name: 'deep/b.txt' }, 'of a folder');
    tar.finalize();
    const packed = `data:application/gzip;base64,${gzipSync(await buffer(tar)).toString('base64')}`;
    const sources = [
      { Source: { Type: 'inline', Params: { URL: 'data:,of a file' } }, Alias: '', Target: '/in/a.txt' },
      { Source: { Type: 'Inline', Params: { URL: packed } }, Alias: '', Target: '/in/b' },
    ];
    const script = 'cat /in/a.txt; echo; cat /in/b/deep/b.txt; (echo x > /in/a.txt) 2>/dev/null || echo " read only"';
    const spec = runSpec({ task: task({ Entrypoint: ['sh', '-c', script] }, { InputSources: sources }) });
    try {
      expect(await stdout(spec, { workFolder })).toBe('of a file\nof a folder read only\n');
    } finally {
      await rm(workFolder, { recursive: true });
    }
  });

  test('its output and exit code come back, whole', async ({ expect }) => {
    const outcome = await run(shell('echo hello; echo oops >&2; exit 7'));
    expect(outcome).toEqual({
      type: 'completed',
      output: {
        stdout: 'hello\n',
        stdoutTruncated: false,
        stderr: 'oops\n',
        stderrTruncated: false,
        exitCode: 7,
        errorMessage: '',
      },
    });
  });

  test('[param:Entrypoint] [param:Parameters] [param:EnvironmentVariables] [param:WorkingDirectory] entrypoint, parameters, variables and working directory are the task’s', async ({
    expect,
  }) => {
    const params = {
      entrypoint: ['sh', '-c'],
      Parameters: [
        'echo $FROM_TASK $FROM_ENGINE $BACALHAU_PARTITION_INDEX/$BACALHAU_PARTITION_COUNT $BACALHAU_JOB_TYPE; pwd',
      ],
      EnvironmentVariables: ['FROM_ENGINE=engine', 'dropped'],
      WorkingDirectory: '/some/where',
    };
    const spec = runSpec({
      task: task(params, { Env: { FROM_TASK: 'task', FROM_ENGINE: 'overridden', BACALHAU_JOB_TYPE: 'overridden' } }),
      partition: 2,
      partitionCount: 5,
    });
    expect(await stdout(spec)).toBe('task engine 2/5 batch\n/some/where\n');
  });

  test('[hardening:capabilities] [hardening:new privileges] [hardening:seccomp] [hardening:Docker socket] it has no capabilities, no new privileges, seccomp, and Docker nowhere', async ({
    expect,
  }) => {
    const script =
      "grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -s '\\t' ' '; find / -name docker.sock 2>/dev/null | wc -l";
    const lines = (await stdout(shell(script))).trim().split('\n');
    expect(lines).toEqual([
      'CapPrm: 0000000000000000',
      'CapEff: 0000000000000000',
      'CapBnd: 0000000000000000',
      'NoNewPrivs: 1',
      'Seccomp: 2',
      '0',
    ]);
  });

  test('[hardening:namespaces] its own processes, and none of the machine’s, are in its view', async ({ expect }) => {
    const script = 'echo $$; readlink /proc/self/ns/ipc; readlink /proc/self/ns/uts';
    const [pid, ipc, uts] = (await stdout(shell(script))).trim().split('\n');
    const { readlinkSync } = await import('node:fs');
    expect(pid).toBe('1');
    expect(ipc).not.toBe(readlinkSync('/proc/self/ns/ipc'));
    expect(uts).not.toBe(readlinkSync('/proc/self/ns/uts'));
  });

  test('[limit:CPU] [limit:memory] [limit:processes] memory, swap, cores and processes are limited', async ({
    expect,
  }) => {
    const spec = shell('sleep 30', { resources: { cpu: 0.25, memory: 50_000_000, disk: 0, gpu: 0 } });
    const stop = new AbortController();
    let limits: unknown;
    const done = run(spec, {
      stop: stop.signal,
      onRunning: () =>
        void inspect(spec).then((found) => ((limits = found), stop.abort({ kind: 'stop', message: 'seen' }))),
    });
    await done;
    expect(limits).toMatchObject({ Memory: 50_000_000, MemorySwap: 50_000_000, NanoCpus: 250_000_000, PidsLimit: 512 });
  });

  test('[limit:memory] more memory than its limit ends it as a failure of the environment', async ({ expect }) => {
    const eat = 'x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done';
    const spec = shell(eat, { resources: { cpu: 1, memory: 20_000_000, disk: 0, gpu: 0 } });
    expect(failure(await run(spec))).toMatchObject({ class: 'environment', message: 'memory limit exceeded' });
  });

  test('[network:None] [network:Host] network None has no interface but loopback, and Host has the machine’s', async ({
    expect,
  }) => {
    const script = 'ls /sys/class/net | sort | tr "\\n" " "';
    expect(await stdout(shell(script), { network: 'none' })).toBe('lo ');
    const { readdirSync } = await import('node:fs');
    const own = readdirSync('/sys/class/net').sort().join(' ');
    expect((await stdout(shell(script), { network: 'host' })).trim().split(' ').sort().join(' ')).toBe(own);
  });

  test('[limit:execution timeout] an execution timeout ends it, and what it printed is kept', async ({ expect }) => {
    // Longer than a test may last: nothing else ends it.
    const outcome = await run(shell('echo before; sleep 600', { executionTimeoutMs: 1_500 }));
    expect(failure(outcome)).toMatchObject({
      class: 'environment',
      message: 'Execution timed out after 1.5s',
      topic: 'Running Execution',
    });
    expect(outcome).toMatchObject({ output: { stdout: 'before\n', exitCode: -1 } });
  });

  test('a stop ends it, with SIGTERM first', async ({ expect }) => {
    const stop = new AbortController();
    const request: StopRequest = { kind: 'stop', message: 'not wanted' };
    const spec = shell('trap "exit 7" TERM; echo ready; while true; do sleep 0.1; done');
    const patient = new PatientEngine(NodeId.parse(`n-${randomUUID()}`), process.env['DOCKER_HOST'] ?? null);
    await patient.probe();
    const onRunning = (): void => void printed(spec.executionId, 'ready').finally(() => stop.abort(request));
    const outcome = await runOn(patient, spec, { stop: stop.signal, onRunning });
    expect(outcome).toMatchObject({
      type: 'cancelled',
      message: 'not wanted',
      // How a task ends that was told to end is not its result.
      output: { stdout: 'ready\n', exitCode: -1 },
    });
    // SIGKILL would leave 137.
    expect(await patient.wait(spec.executionId)).toMatchObject({ exitCode: 7 });
    await patient.remove(spec.executionId);
    await patient.close();
  });

  test('[param:Image] an image that cannot be had, a bad name and a missing program are permanent', async ({
    expect,
  }) => {
    const bad = failure(await run(runSpec({ task: task({ Image: 'UPPER CASE' }) })));
    expect(bad).toMatchObject({ class: 'permanent', message: 'invalid image format: "UPPER CASE"' });
    const missing = failure(await run(runSpec({ task: task({ Entrypoint: ['/no/such/program'] }) })));
    expect(missing.class).toBe('permanent');
    expect(missing.message).toBe('failed to start container: executable file not found: "/no/such/program"');
    const word = failure(await run(runSpec({ task: task({ Entrypoint: ['nosuchprogram', 'x'] }) })));
    expect(word.message).toBe('failed to start container: executable file not found: "nosuchprogram"');
  });

  test('[param:WorkingDirectory] a working directory that is a file is permanent', async ({ expect }) => {
    const spec = runSpec({ task: task({ WorkingDirectory: '/etc/passwd', Entrypoint: ['pwd'] }) });
    const hint = expect.stringContaining('WorkingDirectory') as string;
    expect(failure(await run(spec))).toMatchObject({ class: 'permanent', hint });
  });

  test('[fault:registry down] a registry that does not answer is no fault of the job', async ({ expect }) => {
    const spec = runSpec({ task: task({ Image: '127.0.0.1:1/nowhere/image:1' }) });
    const { class: kind, message, topic } = failure(await run(spec));
    expect([kind, topic]).toEqual(['environment', 'Preparing Environment']);
    expect(message).toContain('cannot pull image "127.0.0.1:1/nowhere/image:1"');
  });

  test('[limit:RunOutput] long output is cut at 2 KiB a stream, between characters', async ({ expect }) => {
    const outcome = await run(shell('yes é | head -c 300000; printf "short\\0" >&2'));
    if (outcome.type !== 'completed') throw new Error(JSON.stringify(outcome));
    const { stdout, stdoutTruncated, stderr, stderrTruncated } = outcome.output;
    expect(Buffer.byteLength(stdout)).toBeLessThanOrEqual(2048);
    expect(Buffer.byteLength(stdout)).toBeGreaterThan(2043);
    expect(stdout).toMatch(/^(é\n)+é?$/);
    expect([stdoutTruncated, stderr, stderrTruncated]).toEqual([true, 'short\u{fffd}', false]);
  });

  test('what it prints cannot fill the disk, and its head is kept', async ({ expect }) => {
    const outcome = await run(
      shell('echo first; sleep 2; yes 0123456789012345678901234567890123456789 | head -c 90000000'),
    );
    if (outcome.type !== 'completed') throw new Error(JSON.stringify(outcome));
    expect(outcome.output.stdout.slice(0, 6)).toBe('first\n');
    expect(outcome.output.stdoutTruncated).toBe(true);
  });
});

describe('a task that a former agent left', () => {
  const adopt = (by: DockerEngine, spec: RunSpec, network: ContainerNetwork): Promise<Outcome> =>
    runOnDocker(by, spec, { network, started: true });

  test('on a filtered bridge is started behind the rules of the bridge, also when they are gone', async ({
    expect,
  }) => {
    const nodeId = NodeId.parse(`n-${randomUUID()}`);
    const names = filterNames(nodeId);
    const rules = (...args: string[]): string => execFileSync('iptables', ['-w', '-t', 'mangle', ...args]).toString();
    const [first, second] = [0, 1].map(() => new DockerEngine(nodeId, process.env['DOCKER_HOST'] ?? null));
    if (first === undefined || second === undefined) throw new Error('no engines');
    await first.probe();
    await second.probe();
    const spec = shell('true');
    await createOn(first, spec, 'filtered');
    const jump = rules('-S')
      .split('\n')
      .filter((rule) => rule.includes(`-j ${names.bridgeChain}`));
    expect(jump).not.toEqual([]);
    for (const rule of jump) rules(...rule.replace('-A', '-D').split(' '));
    expect(await adopt(second, spec, 'filtered')).toMatchObject({ type: 'completed' });
    expect(rules('-S').split('\n')).toEqual(expect.arrayContaining(jump));
    await second.close();
  });

  test('and that was killed while no agent looked was lost; what ended by itself is done', async ({ expect }) => {
    const leave = async (script: string): Promise<RunSpec> => {
      const spec = shell(script);
      await createOn(engine, spec, 'none');
      await engine.start(spec.executionId);
      return spec;
    };
    const killed = await leave('sleep 60');
    await engine.stop(killed.executionId, 0);
    const ended = await leave('exit 3');
    await engine.wait(ended.executionId);
    const lost = { type: 'failed', failure: { class: 'infrastructure' }, output: { exitCode: 137 } };
    expect(await adopt(engine, killed, 'none')).toMatchObject(lost);
    expect(await adopt(engine, ended, 'none')).toMatchObject({ type: 'completed', output: { exitCode: 3 } });
  });
});

/** Gives a task so long for its end that a test which sees SIGKILL never ends. */
class PatientEngine extends DockerEngine {
  override stop(executionId: ExecutionId): Promise<void> {
    return super.stop(executionId, 300_000);
  }
}

async function inspect(spec: RunSpec): Promise<unknown> {
  const { default: Docker } = await import('dockerode');
  return (await new Docker().getContainer(spec.executionId).inspect()).HostConfig;
}
