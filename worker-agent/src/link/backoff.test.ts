import { describe, test } from 'vitest';
import { describeEnd, isBanished, redialDelayMs, type Closed } from './backoff.ts';

const broken: Closed = { kind: 'closed', code: 1006, reason: '' };
const closed = (code: number): Closed => ({ kind: 'closed', code, reason: '' });
const refused = (status: number): Closed => ({ kind: 'refused', status, body: '' });

const cases: { name: string; end: Closed; attempt: number; min: number; max: number; banished?: boolean }[] = [
  { name: 'the first redial comes within a second', end: broken, attempt: 0, min: 0, max: 1_000 },
  { name: 'the next within two', end: broken, attempt: 1, min: 0, max: 2_000 },
  { name: 'never more than 30 s', end: broken, attempt: 50, min: 0, max: 30_000 },
  {
    name: 'a refused connection is like a broken one',
    end: { kind: 'unreachable', error: 'x' },
    attempt: 0,
    min: 0,
    max: 1_000,
  },
  { name: 'a wrong token is tried again', end: refused(401), attempt: 5, min: 0, max: 30_000 },
  { name: 'an orchestrator that is not ready is tried again', end: refused(503), attempt: 0, min: 0, max: 1_000 },
  { name: 'who was replaced is in no hurry', end: closed(4001), attempt: 0, min: 0, max: 8_000 },
  { name: 'an identity used twice waits long', end: closed(4002), attempt: 0, min: 60_000, max: 120_000 },
  { name: 'a rejected node waits long', end: closed(4003), attempt: 0, min: 60_000, max: 120_000, banished: true },
  { name: 'a version that is not served waits long', end: closed(4004), attempt: 0, min: 60_000, max: 120_000 },
  { name: 'a deleted node waits long', end: refused(410), attempt: 0, min: 60_000, max: 120_000, banished: true },
];

describe('the wait before a redial', () => {
  for (const { name, end, attempt, min, max, banished = false } of cases) {
    test(name, ({ expect }) => {
      expect([redialDelayMs(end, attempt, () => 0), redialDelayMs(end, attempt, () => 1)]).toEqual([min, max]);
      expect(isBanished(end)).toBe(banished);
    });
  }
});

test('what only a person can mend is said so that they can', ({ expect }) => {
  expect(describeEnd(refused(401))).toContain('SHOAL_NODE_TOKEN');
  expect(describeEnd(refused(404))).toContain('--url');
  expect(describeEnd({ kind: 'refused', status: 503, body: 'the secret SHOAL_NODE_TOKEN is not set' })).toContain(
    'the secret SHOAL_NODE_TOKEN is not set',
  );
  expect(describeEnd(closed(4002))).toContain('--node-id');
});
