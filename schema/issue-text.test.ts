import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AuthenticateRequest, ChallengeAnswer, CreateTokenRequest } from './api/auth.ts';
import { RerunJobRequest, StopJobRequest } from './api/job.ts';
import { ChangeNodeRequest } from './api/node.ts';
import { ShoalError } from './errors.ts';
import { readErrorText } from './issue-text.ts';
import { bind } from './job/bind.ts';
import { SubmissionInput } from './job/input.ts';
import { decodeFrame } from './protocol/frames.ts';
import { fromAgent } from './protocol/from-agent.ts';
import { toAgent } from './protocol/to-agent.ts';
import { readSettings, settingNames } from './settings.ts';

/** How the validation library words what it finds. */
const library = /\bInvalid\b|\breceived\b|Too (big|small)|Unrecognized|\[\s*\{|invalid_/;

const told = (schema: z.ZodType, body: unknown): string => {
  try {
    bind(schema, body);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ShoalError);
    return error instanceof Error ? error.message : '';
  }
};

/** A document with every field that a schema has, and every place in it. */
const wrongs = [7, 1.5, 1e300, -1, true, 'x', [], {}, [7], [[]], { a: 7 }, { a: [] }, null];

function paths(schema: z.ZodType, path: readonly PropertyKey[] = []): PropertyKey[][] {
  if (schema instanceof z.ZodOptional) return paths(schema.def.innerType as z.ZodType, path);
  if (schema instanceof z.ZodObject) {
    return [
      [...path],
      ...Object.entries(schema.shape).flatMap(([key, field]) => paths(field as z.ZodType, [...path, key])),
    ];
  }
  if (schema instanceof z.ZodArray) return [[...path], ...paths(schema.def.element as z.ZodType, [...path, 0])];
  if (schema instanceof z.ZodRecord) return [[...path], ...paths(schema.def.valueType as z.ZodType, [...path, 'k'])];
  return [[...path]];
}

function withValue(path: readonly PropertyKey[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, key) => (key === 0 ? [inner] : { [key]: inner }), value);
}

describe('a field of the wrong type is told in our words, wherever it is', () => {
  test.each([
    ['submit', SubmissionInput],
    ['stop', StopJobRequest],
    ['rerun', RerunJobRequest],
    ['change of a node', ChangeNodeRequest],
    ['a new token', CreateTokenRequest],
    ['login', AuthenticateRequest],
    ['answer to a challenge', ChallengeAnswer],
  ] as const)('%s', (_, schema: z.ZodType) => {
    const messages = paths(schema).flatMap((path) => wrongs.map((wrong) => told(schema, withValue(path, wrong))));
    const refusals = messages.filter((message) => message !== '');
    expect(refusals.length).toBeGreaterThan(0);
    for (const message of refusals) {
      expect(message).not.toMatch(library);
      for (const line of message.split('\n')) expect(line).toMatch(/: (expected .+, got .+|\d+ entries, at most \d+)/);
    }
  });
});

test.each([
  [CreateTokenRequest, { Type: 'kye' }, 'Type: expected one of key, user, publicKey, got string "kye"'],
  [CreateTokenRequest, { Capabilities: 'x' }, 'Capabilities: expected an array, got string "x"'],
  [RerunJobRequest, { JobVersion: -1 }, 'JobVersion: expected a number of at least 0, got number -1'],
  [RerunJobRequest, { JobVersion: 1e300 }, 'JobVersion: expected a whole number within 53 bits, got number 1e+300'],
  [StopJobRequest, { Reason: 7 }, 'Reason: expected a string, got number 7'],
  [ChallengeAnswer, {}, 'PhraseSignature: expected a string, got nothing\nPublicKey: expected a string, got nothing'],
] as const)('%#: says what is allowed', (schema: z.ZodType, body, message) => {
  expect(told(schema, body)).toBe(message);
});

describe('a frame that cannot be read', () => {
  const why = (frame: unknown) => {
    const decoded = decodeFrame(fromAgent, JSON.stringify(frame));
    return 'why' in decoded ? decoded.why : '';
  };
  const hello = {
    type: 'hello',
    protocol: 3,
    nodeId: 'n-a',
    agentInstance: 'i',
    agentVersion: '',
    os: '',
    arch: '',
    labels: {},
    engines: [],
    publishers: [],
    sources: [],
    capacity: { cpu: 1, memory: 1, disk: 1, gpu: 0 },
    holds: [],
    more: false,
  };
  test.each([
    [
      { ...hello, capacity: { cpu: -1, memory: 1, disk: 1, gpu: 0 } },
      'hello: capacity.cpu: expected a number of at least 0, got number',
    ],
    [{ ...hello, engines: [7] }, 'hello: engines[0]: expected a string, got number'],
    [{ ...hello, nodeId: 'a b' }, 'hello: nodeId: expected a node id of 1 to 128 letters, digits, _ or -, got string'],
    [{ ...hello, more: 'no' }, 'hello: more: expected true or false, got string'],
    [
      { type: 'report', executionId: 'e', seq: 1, state: 'Done' },
      'report: state: expected one of Running, Publishing, Completed, Failed, Cancelled, got string',
    ],
    [7, 'frame: type: expected an object, got number'],
  ])('%#: says where and what', (frame, message) => {
    expect(why(frame)).toBe(message);
  });

  test('whatever it is', () => {
    const field = fc.constantFrom(...Object.keys(hello));
    fc.assert(
      fc.property(field, fc.jsonValue(), (key, value) => {
        expect(why({ ...hello, [key]: value })).not.toMatch(library);
        const decoded = decodeFrame(toAgent, JSON.stringify({ type: 'run', [key]: value }));
        expect('why' in decoded ? decoded.why : '').not.toMatch(library);
      }),
    );
  });

  test('does not repeat a token', () => {
    const frame = { type: 'openLog', epoch: 1, session: 's', token: 'secret'.repeat(30) };
    const decoded = decodeFrame(toAgent, JSON.stringify({ ...frame, executionId: `e-${crypto.randomUUID()}` }));
    expect(decoded).toMatchObject({ why: 'openLog: token: expected at most 128 characters, got string' });
  });
});

test('a setting that cannot be read, whatever it is', () => {
  fc.assert(
    fc.property(fc.constantFrom(...settingNames), fc.string(), (name, text) => {
      expect(
        readSettings({ [name]: text })
          .problems.join('\n')
          .replace(text, ''),
      ).not.toMatch(library);
    }),
  );
});

test('what cannot be read of an answer is told by its place', () => {
  const read = z.object({ State: z.object({ Status: z.string() }) }).safeParse({ State: {} });
  expect(readErrorText(read.error)).toBe('State.Status: expected a string');
  expect(readErrorText(new Error('else'))).toBeNull();
});
