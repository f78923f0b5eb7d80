import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, test } from 'vitest';
import { dockerJob } from '../harness/api.ts';
import { Stack, eventually, type StackOptions } from '../harness/stack.ts';

const stacks: Stack[] = [];
const folders: string[] = [];

async function run(options: StackOptions): Promise<Stack> {
  const stack = await Stack.start(options);
  stacks.push(stack);
  return stack;
}

function newState(): string {
  const folder = mkdtempSync(join(tmpdir(), 'state-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(stacks.splice(0).map((stack) => stack.stop()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test('two agents share the work', async () => {
  const { api } = await run({ agents: 2, agentFlags: ['--cpu', '1', '--memory', '512mb'] });
  const job = dockerJob(['sh', '-c', 'sleep 2; echo done']);
  const Resources = { CPU: '0.7', Memory: '64mb' };
  const id = await api.submit({ ...job, Count: 2, Tasks: [{ ...job.Tasks[0], Resources }] });
  await api.waitForJob(id, 'Completed');
  const executions = await api.executions(id);
  expect(executions).toHaveLength(2);
  expect(new Set(executions.map((execution) => execution.NodeID)).size).toBe(2);
});

test('jobs and nodes outlive a restart', async () => {
  const state = newState();
  const before = await run({ state });
  const nodes = await before.api.connectedNodes(1);
  const id = await before.api.submit(dockerJob(['echo', 'kept']));
  await before.api.waitForJob(id, 'Completed');
  await before.halt();
  const after = await run({ state });
  expect((await after.api.job(id)).State.StateType).toBe('Completed');
  expect((await after.api.executions(id))[0]?.RunOutput.Stdout).toBe('kept\n');
  expect(await after.api.connectedNodes(1)).toEqual(nodes);
  await after.api.waitForJob(await after.api.submit(dockerJob(['true'])), 'Completed');
});

test('without Docker a job waits, with the reason, and the agent says so', async () => {
  const stack = await run({ docker: false });
  const id = await stack.api.submit(dockerJob(['true']));
  const state = await eventually(
    async () => {
      const { State } = await stack.api.job(id);
      return State.Message ? State : undefined;
    },
    60_000,
    'a reason',
  );
  expect(state.StateType).toMatch(/^(?:Queued|Pending)$/);
  expect(state.Message).toMatch(/docker/i);
  expect(stack.agentLog(1)).toMatch(/docker/i);
});

test('a state folder of a newer version is refused', async () => {
  const state = newState();
  await (await run({ state, agents: 0 })).halt();
  const folder = join(state, 'worker', 'd1', 'miniflare-D1DatabaseObject');
  const file = readdirSync(folder).find((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite');
  const db = new DatabaseSync(join(folder, file ?? ''));
  db.exec(`INSERT INTO d1_migrations (name) VALUES ('9999_later.sql')`);
  db.close();
  await expect(run({ state, agents: 0 })).rejects.toThrow(/written by a newer Shoal.*9999_later\.sql/);
});

test('open mode answers loopback names and no foreign page', async () => {
  const { api, port } = await run({
    agents: 0,
    vars: { SHOAL_MODE: 'open', SHOAL_ALLOWED_ORIGINS: 'https://ui.example' },
  });
  const ask = async (headers: Record<string, string>, method = 'GET') =>
    (await api.call(method, '/api/v1/orchestrator/jobs', undefined, headers)).status;
  expect(await ask({})).toBe(200);
  expect(await ask({ host: `localhost:${port}` })).toBe(200);
  expect(await ask({ host: `[::1]:${port}` })).toBe(200);
  expect(await ask({ host: 'attacker.example' })).toBe(421);
  expect(await ask({ origin: 'http://localhost:3000' })).toBe(200);
  expect(await ask({ origin: 'https://ui.example' })).toBe(200);
  expect(await ask({ origin: 'https://attacker.example' })).toBe(403);
  expect(await ask({ origin: 'null' })).toBe(403);
  const refused = await api.call('OPTIONS', '/api/v1/orchestrator/jobs', undefined, {
    origin: 'https://attacker.example',
  });
  expect(refused.status).toBe(403);
  expect(refused.headers).not.toHaveProperty('access-control-allow-origin');
});

test('without SHOAL_MODE it is closed', async () => {
  const unset = await run({ agents: 0, vars: {} });
  const jobs = '/api/v1/orchestrator/jobs';
  const missing = await unset.api.call('GET', jobs);
  expect(missing.status).toBe(503);
  expect(missing.body.Message).toContain('SHOAL_ADMIN_TOKEN');
  expect((await unset.api.call('GET', '/api/v1/agent/alive')).status).toBe(200);
  expect((await unset.api.call('GET', '/api/v1/agent/version')).status).toBe(200);
  const closed = await run({ agents: 0, vars: { SHOAL_ADMIN_TOKEN: 'open sesame', SHOAL_NODE_TOKEN: 'node' } });
  expect((await closed.api.call('GET', jobs)).status).toBe(401);
  expect((await closed.api.call('GET', jobs, undefined, { authorization: 'Bearer wrong' })).status).toBe(401);
  expect((await closed.api.call('GET', jobs, undefined, { authorization: 'Bearer open sesame' })).status).toBe(200);
});
