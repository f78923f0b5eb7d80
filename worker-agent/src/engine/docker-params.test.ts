import { describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { runSpec, task } from '../testing/run-spec.ts';
import { createBody } from './container-spec.ts';
import { parseDockerParams } from './docker-params.ts';
import { EngineError } from './engine.ts';

test('keys are read whatever their case, unknown ones are ignored, null is as absent', ({ expect }) => {
  const params = {
    IMAGE: ' busybox ',
    entrypoint: ['sh'],
    Parameters: null,
    environmentVariables: ['A=1', 'dropped', 'B='],
    workingDirectory: '/x',
    Bogus: 1,
  };
  expect(parseDockerParams(params)).toEqual({
    image: 'busybox',
    entrypoint: ['sh'],
    parameters: [],
    environment: ['A=1', 'B='],
    workingDirectory: '/x',
  });
});

const bad: { params: Record<string, unknown>; message: string }[] = [
  { params: {}, message: "invalid docker engine param: 'Image' cannot be empty" },
  { params: { Image: ' ' }, message: "invalid docker engine param: 'Image' cannot be empty" },
  {
    params: { Image: 7 },
    message: "invalid docker engine param: 'Image' Invalid input: expected string, received number",
  },
  {
    params: { Image: 'x', Entrypoint: 'sh -c' },
    message: "invalid docker engine param: 'Entrypoint' Invalid input: expected array, received string",
  },
  {
    params: { Image: 'x', Parameters: ['a', 1] },
    message: "invalid docker engine param: 'Parameters.1' Invalid input: expected string, received number",
  },
  {
    params: { Image: 'x', WorkingDirectory: 'a/b' },
    message: "invalid docker engine param: 'WorkingDirectory' (a/b) must contain absolute path",
  },
  {
    params: { Image: 'x', EnvironmentVariables: ['bacalhau_x=secret'] },
    message: "invalid docker engine param: 'EnvironmentVariables' (bacalhau_x) cannot start with BACALHAU_",
  },
];

describe('bad parameters are permanent failures that name the parameter', () => {
  for (const { params, message } of bad) {
    test(message, ({ expect }) => {
      const parse = (): unknown => parseDockerParams(params);
      expect(parse).toThrow(EngineError);
      expect(parse).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ class: 'permanent', message }) }),
      );
    });
  }
});

test('the container is hardened, labelled and limited', ({ expect }) => {
  const run = runSpec({ task: task(), resources: { cpu: 0.001, memory: 10_000_000.5, disk: 0, gpu: 0 } });
  const body = createBody(run, parseDockerParams({ Image: 'x' }), { nodeId: NodeId.parse('n-1'), network: 'none' });
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

test('no container is without limits', ({ expect }) => {
  const run = runSpec({ task: task(), resources: { cpu: 0, memory: 0, disk: 0, gpu: 0 } });
  const body = createBody(run, parseDockerParams({ Image: 'x' }), { nodeId: NodeId.parse('n-1'), network: 'none' });
  expect(body.HostConfig).toMatchObject({ NanoCpus: 100_000_000, Memory: 104_857_600, MemorySwap: 104_857_600 });
});
