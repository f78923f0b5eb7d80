import { describe, test } from 'vitest';
import { dockerParamNames } from '@shoal/schema/job/param-names';
import { parseDockerParams } from './params.ts';
import { EngineError } from '../engine.ts';

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
    message: 'invalid docker engine param: Image: expected a string, got number',
  },
  {
    params: { Image: 'x', Entrypoint: 'sh -c' },
    message: 'invalid docker engine param: Entrypoint: expected an array, got string',
  },
  {
    params: { Image: 'x', Parameters: ['a', 1] },
    message: 'invalid docker engine param: Parameters[1]: expected a string, got number',
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
    message: "invalid docker engine param: 'Parameters[1]' must not contain NUL",
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

describe('a parameter of the wrong type is told in our words', () => {
  const wrongs = [7, true, 'SECRET=x', {}, [7], [null], [['x']], { a: 1 }];
  const refused = dockerParamNames.flatMap((name) => wrongs.map((wrong) => [name, wrong] as const));

  test.for(refused)('%s: %j', ([name, wrong], { expect }) => {
    const message = messageOf({ Image: 'x', [name]: wrong });
    expect(message).not.toMatch(/Invalid|received/);
    // What is in a variable may be a secret, and this is written into the job's history.
    const isPath = name === 'WorkingDirectory' && typeof wrong === 'string';
    if (!isPath) expect(message).not.toContain('SECRET');
    if (message !== '' && !isPath) {
      expect(message).toMatch(new RegExp(`^invalid docker engine param: ${name}(\\[0\\])?: expected an? .+, got .+$`));
    }
  });
});

function messageOf(params: Record<string, unknown>): string {
  try {
    parseDockerParams(params);
    return '';
  } catch (error) {
    if (error instanceof EngineError) return error.failure.message;
    throw error;
  }
}
