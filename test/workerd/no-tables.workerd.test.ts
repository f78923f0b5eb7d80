import { reset } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import { api } from './fake-agent.ts';

const job = {
  Job: { Type: 'batch', Count: 1, Tasks: [{ Name: 'main', Engine: { Type: 'docker', Params: { Image: 'x' } } }] },
};

// The Worker is deployed and its migrations are not applied.
beforeEach(() => reset());

test.for([
  ['GET', '/orchestrator/jobs', undefined],
  ['GET', '/orchestrator/nodes', undefined],
  ['PUT', '/orchestrator/jobs', job],
] as const)('without tables %s %s names the command that makes them', async ([method, path, body]) => {
  const answer = await api(method, path, body);
  expect([answer.status, answer.body]).toMatchObject([
    503,
    { Message: expect.stringContaining('npx wrangler d1 migrations apply shoal --remote') },
  ]);
});
