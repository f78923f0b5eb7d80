import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../launcher/config.mjs';
import { Launched } from '../harness/launched.ts';
import { freePort } from '../harness/free-port.ts';
import { dockerHost } from '../harness/stack.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const NODE_TOKEN = 'node token of this test';

let folder = '';
let launched: Launched;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'closed-'));
  launched = new Launched({
    cwd: root,
    state: join(folder, 'state'),
    port: await freePort(),
    env: {
      DOCKER_HOST: dockerHost(),
      SHOAL_AUTH: 'required',
      SHOAL_HOST: '0.0.0.0',
      SHOAL_NODE_TOKEN: NODE_TOKEN,
    },
  });
});
afterAll(async () => {
  await launched.interrupt();
  rmSync(folder, { recursive: true, force: true });
});

test('a closed npm start runs jobs for those who have its token, and shows the token to nobody', async () => {
  await launched.printed('Shoal is up', 90_000);
  const file = join(launched.state, 'admin-token');
  const token = readFileSync(file, 'utf8').trim();
  expect(launched.output).toContain('Hello from container');
  expect(launched.output).toContain(file);
  expect(launched.output).not.toContain(token);
  expect(launched.output).not.toContain(NODE_TOKEN);

  const ask = async (headers: Record<string, string>) =>
    (await launched.api.call('GET', JOBS, undefined, headers)).status;
  expect(await ask({})).toBe(401);
  expect(await ask({ authorization: 'Bearer wrong' })).toBe(401);
  expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
  for (const log of ['workerd.log', 'worker-host.log', 'agent-1.log']) {
    const text = readFileSync(join(launched.state, 'logs', log), 'utf8');
    expect(text).not.toContain(token);
    expect(text).not.toContain(NODE_TOKEN);
  }
});
