import { describe, test } from 'vitest';
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
    capabilities: [],
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
    params: { Image: 'x', Capabilities: [], capabilities: ['SYS_ADMIN'] },
    message: "invalid docker engine param: 'Capabilities' and 'capabilities' differ only in case",
  },
  {
    params: { Image: 'x', Bogus: 1, BOGUS: 2 },
    message: "invalid docker engine param: 'Bogus' and 'BOGUS' differ only in case",
  },
  {
    params: { Image: 'x', Parameters: ['a', 'b\0c'] },
    message: "invalid docker engine param: 'Parameters.1' must not contain NUL",
  },
  {
    params: { Image: 'x', workingdirectory: '/a\0' },
    message: "invalid docker engine param: 'WorkingDirectory' must not contain NUL",
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
