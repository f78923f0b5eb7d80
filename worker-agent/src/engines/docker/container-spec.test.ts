import { expect, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { runSpec, task } from '../../testing/run-spec.ts';
import type { Gpu } from '../engine.ts';
import { createBody, type Surroundings } from './container-spec.ts';
import { parseDockerParams } from './params.ts';
import { gpuDevices } from './gpu-devices.ts';

const around: Surroundings = {
  nodeId: NodeId.parse('n-1'),
  network: 'none',
  networkName: null,
  proxy: null,
  dns: [],
  ports: [],
  gpus: [],
  devices: [],
  environment: {},
  mounts: [],
};

const card = (vendor: Gpu['vendor'], index: number, pciAddress = ''): Gpu => ({
  vendor,
  index,
  model: 'x',
  memoryMiB: 0,
  pciAddress,
});

function body(more: Partial<Surroundings>, params: Record<string, unknown> = {}) {
  const run = runSpec({ task: task(params) });
  return createBody(run, parseDockerParams(run.task.Engine.Params ?? {}), { ...around, ...more });
}

test('a container has nothing that it was not given', () => {
  expect(body({}).HostConfig).toEqual({
    NetworkMode: 'none',
    NanoCpus: 500_000_000,
    Memory: 64_000_000,
    MemorySwap: 64_000_000,
    PidsLimit: 512,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    IpcMode: 'private',
    LogConfig: { Type: 'local', Config: { 'max-size': '128m', 'max-file': '2', compress: 'false' } },
  });
});

test('[param:Capabilities] those that are asked for come back, in Docker’s spelling', () => {
  expect(body({}, { Capabilities: ['CAP_CHOWN', 'net_raw'] }).HostConfig).toMatchObject({
    CapDrop: ['ALL'],
    CapAdd: ['CHOWN', 'NET_RAW'],
  });
});

test('[gpu:nvidia] cards are asked for by number, and remembered on the container', () => {
  const made = body({ gpus: [card('nvidia', 1), card('nvidia', 3)] });
  expect(made.HostConfig.DeviceRequests).toEqual([
    { Driver: 'nvidia', DeviceIDs: ['1', '3'], Capabilities: [['gpu']] },
  ]);
  expect(made.Labels).toMatchObject({ 'shoal.gpus': 'nvidia:1,nvidia:3' });
});

test('[gpu:amd] [gpu:intel] cards are given as the devices that their bus address leads to', () => {
  const links: Readonly<Record<string, string>> = {
    '/dev/dri/by-path/pci-0000:83:00.0-card': '../card1',
    '/dev/dri/by-path/pci-0000:83:00.0-render': '../renderD129',
    '/dev/dri/by-path/pci-0000:4d:00.0-card': '../card0',
    '/dev/dri/by-path/pci-0000:4d:00.0-render': '../renderD128',
  };
  const files = { exists: (path: string) => path in links, readLink: (path: string) => links[path] ?? '' };
  expect(gpuDevices([card('amd', 0, '0000:83:00.0')], files)).toEqual([
    '/dev/kfd',
    '/dev/dri/card1',
    '/dev/dri/renderD129',
  ]);
  expect(gpuDevices([card('intel', 0, '0000:4d:00.0')], files)).toEqual(['/dev/dri/card0', '/dev/dri/renderD128']);
  expect(gpuDevices([card('nvidia', 0)], files)).toEqual([]);
  expect(body({ devices: ['/dev/kfd'] }).HostConfig.Devices).toEqual([
    { PathOnHost: '/dev/kfd', PathInContainer: '/dev/kfd', CgroupPermissions: 'rwm' },
  ]);
});

test('[env:BACALHAU_PORT] names the port inside only where it differs from the machine’s', () => {
  const ports = [{ name: 'web', hostPort: 20_000, target: 80, hostAddress: '0.0.0.0' }];
  expect(body({ network: 'filtered', networkName: 'net', ports }).Env).toEqual(
    expect.arrayContaining(['BACALHAU_HOST_PORT_web=20000', 'BACALHAU_PORT_web=80']),
  );
  const host = body({ network: 'host', ports });
  expect(host.Env).toContain('BACALHAU_HOST_PORT_web=20000');
  expect(host.Env.some((one) => one.startsWith('BACALHAU_PORT_'))).toBe(false);
  expect(host.HostConfig.PortBindings).toBeUndefined();
});

test('[network:HTTP] no name server is asked on behalf of a task that has a proxy', () => {
  const proxied = body({ network: 'http', networkName: 'net', proxy: '10.0.0.1:80', dns: ['1.1.1.1'] });
  expect(proxied.HostConfig.Dns).toEqual(['127.0.0.1']);
  expect(body({ network: 'filtered', networkName: 'net', dns: ['1.1.1.1'] }).HostConfig.Dns).toEqual(['1.1.1.1']);
});

test('the container is hardened, labelled and limited', ({ expect }) => {
  const run = runSpec({ task: task(), resources: { cpu: 0.001, memory: 10_000_000.5, disk: 0, gpu: 0 } });
  const body = createBody(run, parseDockerParams({ Image: 'x' }), around);
  expect(body).toMatchObject({
    Labels: { 'shoal.node': 'n-1', 'shoal.execution': run.executionId, 'shoal.job': run.jobId },
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      Memory: 10_000_000,
      MemorySwap: 10_000_000,
      NanoCpus: 10_000_000,
      PidsLimit: 512,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
    },
  });
  for (const key of ['Binds', 'Mounts', 'PidMode', 'UTSMode', 'Devices', 'CapAdd']) {
    expect(body.HostConfig).not.toHaveProperty(key);
  }
});

test('what is mounted can be read and not written', ({ expect }) => {
  const mounts = [{ source: '/state/inputs/0', target: '/in' }];
  expect(body({ mounts }).HostConfig.Mounts).toEqual([
    { Type: 'bind', Source: '/state/inputs/0', Target: '/in', ReadOnly: true },
  ]);
});

test('the engine’s own parameters go over what the agent prepared', ({ expect }) => {
  const { Env } = body({ environment: { A: 'agent', B: 'agent' } }, { EnvironmentVariables: ['B=engine'] });
  expect(Env).toEqual(['A=agent', 'B=engine']);
});

test('no container is without limits', ({ expect }) => {
  const run = runSpec({ task: task(), resources: { cpu: 0, memory: 0, disk: 0, gpu: 0 } });
  const body = createBody(run, parseDockerParams({ Image: 'x' }), around);
  expect(body.HostConfig).toMatchObject({ NanoCpus: 100_000_000, Memory: 104_857_600, MemorySwap: 104_857_600 });
});
