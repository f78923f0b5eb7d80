import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { dockerJob } from '../harness/api.ts';
import { Launched } from '../harness/launched.ts';
import { freePort } from '../harness/free-port.ts';
import { LogViewer } from '../harness/log-viewer.ts';
import { dockerHost, eventually } from '../harness/stack.ts';

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

test('a log ends with the token of who reads it: at once and with the reason, and without more for who took nothing', async () => {
  const admin = { authorization: `Bearer ${readFileSync(join(launched.state, 'admin-token'), 'utf8').trim()}` };
  const ask = (method: string, path: string, body?: unknown) => launched.api.call(method, path, body, admin);
  const bytes = 60_000_000;
  const job = dockerJob(['sh', '-c', `yes ${'x'.repeat(99)} | head -c ${bytes}`]);
  const { JobID: id } = (await ask('PUT', JOBS, { Job: job })).body;
  const isCompleted = async () => (await ask('GET', `${JOBS}/${id}`)).body.Job.State.StateType === 'Completed';
  await eventually(async () => (await isCompleted()) || undefined, 60_000, 'the job completed');
  const { body } = await ask('POST', '/api/v1/shoal/tokens', { Capabilities: ['read:job'] });
  const reader = { Authorization: `Bearer ${body.Secret}` };
  const stalled = new LogViewer(launched.api.url, id, '', reader);
  await stalled.sees('xxx');
  stalled.pause();
  const honest = new LogViewer(launched.api.url, id, '', reader);
  await honest.closed;
  expect([honest.stdout.length, honest.error]).toEqual([bytes, '']);
  const { JobID: running } = (await ask('PUT', JOBS, { Job: dockerJob(['sh', '-c', 'echo begun; sleep 60']) })).body;
  const following = new LogViewer(launched.api.url, running, 'follow=true', reader);
  await following.sees('begun');
  expect((await ask('DELETE', `/api/v1/shoal/tokens/${body.Token.ID}`)).status).toBe(200);
  expect(await following.closed).toEqual({ code: 1000, reason: '' });
  expect(following.error).toBe('the token that it is read by was revoked');
  stalled.resume();
  // He took his time: told why, or cut off when he did not listen.
  await stalled.closed;
  expect(stalled.stdout.length).toBeLessThan(bytes / 2);
  await ask('DELETE', `${JOBS}/${running}`);
});
