import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeId } from '@shoal/schema/ids';
import { afterEach, beforeEach, test } from 'vitest';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { createOn } from '../../testing/on-docker.ts';
import { runSpec, task } from '../../testing/run-spec.ts';
import { DockerEngine } from './docker.ts';

const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
const gpu = { vendor: 'amd', index: 0, model: 'x', memoryMiB: 1, pciAddress: '0000:00:00.0' } as const;
let folder: string;
let engine: DockerEngine;
let gate: ReturnType<typeof createServer>;
/** Requests that change something are cut off. */
let broken = false;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wiring-'));
  const path = join(folder, 'd.sock');
  gate = createServer((near) => pass(near, connect(host.replace('unix://', ''))));
  await new Promise<void>((resolve) => gate.listen(path, resolve));
  const portRange = { from: 23_456, to: 23_456 };
  engine = new DockerEngine(NodeId.parse(`n-${randomUUID()}`), `unix://${path}`, { gpus: [gpu], portRange });
  await engine.probe();
});

afterEach(async () => {
  for (const { executionId } of await engine.list()) await engine.remove(executionId);
  gate.close();
  await rm(folder, { recursive: true });
});

function pass(near: Socket, far: Socket): void {
  near.on('error', () => far.destroy()).on('close', () => far.destroy());
  far.on('error', () => near.destroy()).on('close', () => near.destroy());
  far.on('data', (data) => near.write(data));
  near.on('data', (data) => {
    if (broken && !data.toString('latin1').startsWith('GET')) near.destroy();
    else far.write(data);
  });
}

/** Takes the node's only card and its only port. */
function wantsAll(): RunSpec {
  return runSpec({
    resources: { cpu: 0.5, memory: 64_000_000, disk: 0, gpu: 1 },
    task: task({ Entrypoint: ['true'] }, { Network: { Type: 'Bridge', Ports: [{ Name: 'web' }] } }),
  });
}

test('ports and cards come back when neither the container could be made nor what there is of it removed', async ({
  expect,
}) => {
  const lost = wantsAll();
  broken = true;
  await expect(createOn(engine, lost, 'bridge')).rejects.toMatchObject({ unreachable: true });
  await expect(engine.remove(lost.executionId)).rejects.toMatchObject({ unreachable: true });
  broken = false;
  await expect(createOn(engine, wantsAll(), 'bridge')).resolves.toMatchObject({ state: 'created' });
  // And what is a container keeps them.
  await expect(createOn(engine, wantsAll(), 'bridge')).rejects.toThrow('not enough GPUs free');
});

test('an address that the machine does not have is named', async ({ expect }) => {
  const ports = [{ Name: 'web', HostNetwork: '192.0.2.5' }];
  const spec = runSpec({ task: task({}, { Network: { Type: 'Bridge', Ports: ports } }) });
  await expect(createOn(engine, spec, 'bridge')).rejects.toMatchObject({
    failure: { class: 'environment', message: 'HostNetwork 192.0.2.5 is not an address of this machine' },
  });
});
