import { expect, test } from 'vitest';
import { PullProgress } from './pull-progress.ts';

test('adds up the layers that are being downloaded', () => {
  const progress = new PullProgress();
  for (const line of [
    '{"status":"Pulling from library/alpine","id":"3.20"}',
    '{"status":"Pulling fs layer","progressDetail":{},"id":"a"}',
    '{"status":"Downloading","progressDetail":{"current":100,"total":1000},"progress":"[>]","id":"a"}',
    '{"status":"Downloading","progressDetail":{"current":30,"total":60},"id":"b"}',
    '{"status":"Downloading","progressDetail":{"current":400,"total":1000},"id":"a"}',
    'no JSON',
    '',
  ])
    progress.take(line);
  expect([progress.currentBytes, progress.totalBytes]).toEqual([430, 1060]);
});

test('a failure in the stream is one of Docker', () => {
  const line = '{"errorDetail":{"message":"toomanyrequests: \\"slow\\""},"error":"toomanyrequests: \\"slow\\""}';
  expect(() => new PullProgress().take(line)).toThrow('toomanyrequests: "slow"');
});
