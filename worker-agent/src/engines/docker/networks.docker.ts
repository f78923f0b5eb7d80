import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NodeId } from '@shoal/schema/ids';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { DockerEngine } from './docker.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { filterNames } from './egress-filter.ts';
import { createOn, engineOnDocker, runOnDocker, stdoutOf } from '../../testing/on-docker.ts';
import { shell, task } from '../../testing/run-spec.ts';

const docker = new Docker();
let engine: DockerEngine;
/** Listens on every address of this machine. */
let listener: ReturnType<typeof createServer>;
let web: Server;
let port = 0;
let webPort = 0;

beforeAll(async () => {
  // The test's own web server stands for the internet: this one address is opened, and nothing else.
  engine = await engineOnDocker({ openRanges: ['127.0.0.1/32'] });
  listener = createServer((socket) => socket.end('reached\n'));
  await new Promise<void>((resolve) => listener.listen(0, '0.0.0.0', resolve));
  port = (listener.address() as AddressInfo).port;
  web = createHttpServer((request, response) => response.end(`web ${String(request.headers['x-bacalhau-job-id'])}`));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  webPort = (web.address() as AddressInfo).port;
});

afterAll(async () => {
  listener.close();
  web.close();
  await engine.close();
});

function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family, internal }) => family === 'IPv4' && !internal).map(({ address }) => address);
}

function http(script: string, domains: readonly string[]): RunSpec {
  return shell(script, {
    task: task({ Entrypoint: ['sh', '-c', script] }, { Network: { Type: 'HTTP', Domains: [...domains] } }),
  });
}

describe('network None', () => {
  test('[network:None] a task has a loopback interface and no route', async ({ expect }) => {
    const out = stdoutOf(await runOnDocker(engine, shell('ls /sys/class/net; ip route')));
    expect(out.trim()).toBe('lo');
  });
});

describe('network Host', () => {
  test('[network:Host] a task has the interfaces of the machine', async ({ expect }) => {
    const out = stdoutOf(await runOnDocker(engine, shell('ls /sys/class/net'), { network: 'host' }));
    expect(out.split('\n')).toContain('docker0');
  });
});

describe('network Bridge', () => {
  test('[network:Bridge] reaches neither metadata service, nor gateway, nor any address of the machine, nor the LAN', async ({
    expect,
  }) => {
    const script = `
      gateway=$(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p'); echo "gateway $gateway"
      for a in 169.254.169.254 $gateway ${ownAddresses().join(' ')} 10.0.0.1 192.168.1.1 100.64.0.1; do
        for p in ${port} 80 53; do (nc -w 1 $a $p </dev/null 2>/dev/null && echo "reached $a $p") & done
      done; wait; true`;
    const out = stdoutOf(await runOnDocker(engine, shell(script), { network: 'filtered' }));
    expect(out).toMatch(/^gateway \d+\.\d+\.\d+\.\d+\n$/);
  });

  test('[network:Bridge] a range that is opened does not open the machine in it, its address alone does', async ({
    expect,
  }) => {
    const own = ownAddresses().find((address) => !address.endsWith('.1')) ?? '';
    const script = `nc -w 1 ${own} ${port} </dev/null; true`;
    const outputs: string[] = [];
    for (const range of [`${own}/24`, `${own}/32`]) {
      const opened = await engineOnDocker({ openRanges: [range] });
      outputs.push(stdoutOf(await runOnDocker(opened, shell(script), { network: 'filtered' })));
      await opened.close();
    }
    expect(outputs).toEqual(['', 'reached\n']);
  });

  test('[network:Bridge] the same task reaches the machine where its owner leaves the bridge unfiltered', async ({
    expect,
  }) => {
    const script = `nc -w 2 $(ip route | sed -n 's/default via \\([^ ]*\\).*/\\1/p') ${port} </dev/null`;
    const out = stdoutOf(await runOnDocker(engine, shell(script), { network: 'bridge' }));
    expect(out).toBe('reached\n');
  });

  test('[network:Bridge] a node whose first tasks come at once makes its network once', async ({ expect }) => {
    const nodeId = NodeId.parse(`n-${randomUUID()}`);
    const fresh = new DockerEngine(nodeId, process.env['DOCKER_HOST'] ?? null);
    await fresh.probe();
    const specs = Array.from({ length: 4 }, (_, i) => shell(`echo ${i}`));
    const outcomes = await Promise.all(specs.map((spec) => runOnDocker(fresh, spec, { network: 'filtered' })));
    expect(outcomes.map(stdoutOf)).toEqual(['0\n', '1\n', '2\n', '3\n']);
    await fresh.close();
    // A rule that was set twice would be left.
    expect(await rulesOf(nodeId)).toEqual([]);
  });

  test('[network:Bridge] tasks do not reach each other', async ({ expect }) => {
    const server = shell('hostname -i > /tmp/ip; cat /tmp/ip; nc -l -p 7000 & sleep 30');
    const stop = new AbortController();
    const running = Promise.withResolvers<void>();
    const over = runOnDocker(engine, server, { network: 'filtered', stop: stop.signal, onRunning: running.resolve });
    await running.promise;
    const { NetworkSettings } = await docker.getContainer(server.executionId).inspect();
    const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? '';
    expect(address).not.toBe('');
    const client = shell(`nc -w 1 ${address} 7000 </dev/null && echo reached; true`);
    expect(stdoutOf(await runOnDocker(engine, client, { network: 'filtered' }))).toBe('');
    stop.abort({ kind: 'stop', message: 'over' });
    await over;
  });

  test('[network:Bridge] [port:dynamic] [port:Target] a port is published, named in the environment and given back', async ({
    expect,
  }) => {
    const Network = { Type: 'Bridge' as const, Ports: [{ Name: 'web', Target: 8000 }] };
    const script = 'echo host=$BACALHAU_HOST_PORT_web own=$BACALHAU_PORT_web; echo hello | nc -l -p 8000';
    const spec = shell('', { task: task({ Entrypoint: ['sh', '-c', script] }, { Network }) });
    const running = Promise.withResolvers<void>();
    const over = runOnDocker(engine, spec, { network: 'filtered', onRunning: running.resolve });
    await running.promise;
    const { Labels } = (await docker.getContainer(spec.executionId).inspect()).Config;
    const hostPort = Number(Labels['shoal.ports']);
    expect(hostPort).toBeGreaterThanOrEqual(20_000);
    expect(hostPort).toBeLessThanOrEqual(32_000);
    expect(await readFrom('127.0.0.1', hostPort)).toBe('hello\n');
    expect(stdoutOf(await over)).toBe(`host=${hostPort} own=8000\n`);
  });

  test('[network:Bridge] [port:Static] a port that is taken is told, one that is free is had', async ({ expect }) => {
    const withPort = (Static: number): RunSpec => {
      const Network = { Type: 'Bridge' as const, Ports: [{ Name: 'P', Static, HostNetwork: '127.0.0.1' }] };
      return shell('', { task: task({ Entrypoint: ['sh', '-c', 'echo $BACALHAU_PORT_P'] }, { Network }) });
    };
    expect(await runOnDocker(engine, withPort(port), { network: 'filtered' })).toMatchObject({
      type: 'failed',
      failure: { class: 'environment', message: `port ${port} is in use` },
    });
    expect(stdoutOf(await runOnDocker(engine, withPort(31_999), { network: 'filtered' }))).toBe('31999\n');
  });
});

describe('a firewall that takes the rules away', () => {
  test('[network:Bridge] [network:HTTP] has them back at the next look, with the ways of running tasks to their proxies', async ({
    expect,
  }) => {
    const nodeId = NodeId.parse(`n-${randomUUID()}`);
    const node = new DockerEngine(nodeId, process.env['DOCKER_HOST'] ?? null, { openRanges: ['127.0.0.1/32'] });
    await node.probe();
    const spec = http('true', ['localhost']);
    await createOn(node, spec, 'http');
    const bridged = shell('true');
    await createOn(node, bridged, 'filtered');
    const before = await rulesOf(nodeId);
    expect(before.filter((rule) => rule.endsWith('RETURN') && rule.includes('--dport'))).toHaveLength(1);

    const { bridge, httpPrefix, bridgeChain, httpChain } = filterNames(nodeId);
    const losses = [
      ['iptables', '-F', bridgeChain],
      ['iptables', '-F', httpChain],
      ['iptables', '-D', httpChain, '-j', 'DROP'],
      ['iptables', '-D', httpChain, '1'],
      ['iptables', '-D', 'PREROUTING', '-i', bridge, '-j', bridgeChain],
      ['ip6tables', '-D', 'PREROUTING', '-i', `${httpPrefix}+`, '-j', 'DROP'],
    ];
    for (const [tool = '', ...args] of losses) {
      await promisify(execFile)(tool, ['-w', '-t', 'mangle', ...args]);
      expect(await rulesOf(nodeId)).not.toEqual(before);
      expect(await node.probe()).toMatchObject({ ready: true });
      expect(node.offers()).toMatchObject({ isolates: true });
      expect((await rulesOf(nodeId)).toSorted()).toEqual(before.toSorted());
    }
    await node.remove(spec.executionId);
    await node.remove(bridged.executionId);
    await node.close();
    expect(await rulesOf(nodeId)).toEqual([]);
  });
});

describe('a node whose rules cannot be set', () => {
  test('[network:Bridge] [network:HTTP] says so, as a failure of its own and not of Docker', async ({ expect }) => {
    const node = await engineOnDocker();
    const folder = await mkdtemp(join(tmpdir(), 'shoal-iptables-'));
    await writeFile(join(folder, 'iptables-restore'), '#!/bin/sh\necho no room >&2; exit 1\n', { mode: 0o755 });
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    try {
      for (const [network, spec] of [
        ['filtered', shell('true')],
        ['http', http('true', ['localhost'])],
      ] as const) {
        expect(await runOnDocker(node, spec, { network })).toMatchObject({
          type: 'failed',
          failure: {
            class: 'infrastructure',
            message: "the node's network for tasks could not be set up: iptables-restore: no room",
          },
        });
      }
    } finally {
      process.env['PATH'] = path;
      await rm(folder, { recursive: true });
    }
    await node.close();
  });
});

describe('network HTTP', () => {
  test('[network:HTTP] reaches the domains of its list and no others', async ({ expect }) => {
    const script = `
      wget -qO- http://localhost:${webPort}/ && echo
      wget -qO- http://127.0.0.1:${webPort}/ 2>&1 | head -c 100
      wget -qO- http://example.com/ 2>&1 | head -c 100`;
    const spec = http(script, ['localhost']);
    const out = stdoutOf(await runOnDocker(engine, spec, { network: 'http' }));
    expect(out).toContain(`web ${spec.jobId}\n`);
    expect(out.match(/403 Forbidden|403 Refused|server returned error: HTTP\/1.1 403/g)).toHaveLength(2);
  });

  test('[network:HTTP] an allowed name that leads to the owner’s network is refused', async ({ expect }) => {
    const closed = await engineOnDocker();
    const out = stdoutOf(
      await runOnDocker(closed, http(`wget -qO- http://localhost:${webPort}/ 2>&1; true`, ['localhost']), {
        network: 'http',
      }),
    );
    expect(out).toContain('403');
    await closed.close();
  });

  test('[network:HTTP] a task that ignores the proxy has no route, not even to the proxy’s own machine', async ({
    expect,
  }) => {
    const script = `
      gateway=\${http_proxy%:*}; unset http_proxy https_proxy
      for a in ${ownAddresses().join(' ')} $gateway 1.1.1.1 169.254.169.254; do
        nc -w 1 $a ${port} </dev/null 2>/dev/null && echo "reached $a"
      done
      wget -T 2 -qO- http://localhost:${webPort}/ 2>/dev/null && echo reached; true`;
    expect(stdoutOf(await runOnDocker(engine, http(script, ['localhost']), { network: 'http' }))).toBe('');
  });

  test('[network:HTTP] no name is resolved in the task, also not one of its list', async ({ expect }) => {
    // The machine itself knows the last one.
    const names = ['secret.example.com', hostname()];
    const script = names.map((name) => `(nslookup ${name} >/dev/null 2>&1 && echo "resolved ${name}") &`).join(' ');
    const spec = http(`${script} wait; echo over`, ['.example.com', hostname()]);
    const running = Promise.withResolvers<void>();
    const over = runOnDocker(engine, spec, { network: 'http', onRunning: running.resolve });
    await running.promise;
    expect((await docker.getContainer(spec.executionId).inspect()).HostConfig.Dns).toEqual(['127.0.0.1']);
    expect(stdoutOf(await over)).toBe('over\n');
  });

  test('[network:HTTP] its proxy needs no port that the machine’s owner may use', async ({ expect }) => {
    const usual = createServer();
    // Whoever has it already serves as well.
    await new Promise<void>((resolve) => {
      usual.once('error', () => resolve());
      usual.listen(8080, '0.0.0.0', resolve);
    });
    const spec = http(`wget -qO- http://localhost:${webPort}/; echo; echo $http_proxy`, ['localhost']);
    const out = stdoutOf(await runOnDocker(engine, spec, { network: 'http' }));
    usual.close();
    expect(out).toContain(`web ${spec.jobId}\n`);
    expect(out).not.toContain(':8080');
  });

  test('[network:HTTP] after a restart of the agent its proxy is where its container was told', async ({ expect }) => {
    const nodeId = NodeId.parse(`n-${randomUUID()}`);
    const spec = http('true', ['localhost']);
    const network = await docker.createNetwork({
      Name: `shoal-${spec.executionId}`,
      Internal: true,
      Labels: { 'shoal.node': nodeId, 'shoal.execution': spec.executionId, 'shoal.proxy-port': '19876' },
    });
    const gateway = String((await network.inspect()).IPAM?.Config?.[0]?.['Gateway']);
    const next = new DockerEngine(nodeId, process.env['DOCKER_HOST'] ?? null);
    await next.probe();
    await next.resume(spec, 'http');
    const reached = await new Promise((resolve) => {
      const socket = connect({ host: gateway, port: 19_876 }, () => socket.destroy());
      socket.once('connect', () => resolve(true)).once('error', resolve);
    });
    expect(reached).toBe(true);
    await next.remove(spec.executionId);
    await next.close();
  });

  test('[network:HTTP] a node has more of them at a time than Docker’s own pools hold', async ({ expect }) => {
    const specs = Array.from({ length: 36 }, () => http('true', ['localhost']));
    try {
      for (const spec of specs) await createOn(engine, spec, 'http');
    } finally {
      for (const { executionId } of specs) await engine.remove(executionId);
    }
    expect(await engine.list()).toEqual([]);
  });

  test('[network:HTTP] its network and its proxy are gone afterwards', async ({ expect }) => {
    const spec = http('true', ['localhost']);
    await runOnDocker(engine, spec, { network: 'http' });
    const left = await docker.listNetworks({ filters: { label: [`shoal.execution=${spec.executionId}`] } });
    expect(left).toEqual([]);
  });
});

async function rulesOf(nodeId: NodeId): Promise<string[]> {
  const names = Object.values(filterNames(nodeId));
  const said = await Promise.all(
    ['iptables', 'ip6tables'].map((tool) => promisify(execFile)(tool, ['-w', '-t', 'mangle', '-S'])),
  );
  return said.flatMap(({ stdout }) => stdout.split('\n').filter((line) => names.some((name) => line.includes(name))));
}

async function readFrom(host: string, port: number): Promise<string> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const text = await new Promise<string>((resolve) => {
      let said = '';
      const socket = connect({ host, port });
      socket.on('data', (data) => (said += String(data)));
      socket.on('error', () => resolve(said));
      socket.on('close', () => resolve(said));
    });
    if (text !== '' || Date.now() > deadline) return text;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
