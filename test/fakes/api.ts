import { readSettings } from '../../schema/settings.ts';
import { makeApp } from '../../src/http/app.ts';
import type { Access, Deps } from '../../src/http/deps.ts';
import { makeCredentials } from '../../src/store/credentials.ts';
import { makeReads } from '../../src/store/reads/reads.ts';
import { WatchedScheduler } from '../harness/scheduler.ts';
import { FakeD1 } from './d1.ts';
import { makeFakeLogs } from './logs.ts';

const OPEN: Access = {
  ...readSettings({ SHOAL_MODE: 'open' }).settings,
  mode: 'open',
  adminToken: undefined,
  nodeToken: undefined,
  addressHeader: 'CF-Connecting-IP',
  problems: [],
};

/**
 * The API over a database in memory, with the real Scheduler and no agent: nothing starts. Ids count up; pauses take no
 * time. With the database of another one it is that API after a restart.
 */
export function makeFakeApi(access: Partial<Access> = {}, db = new FakeD1(), more: Partial<Deps> = {}) {
  db.sqlite.exec(`UPDATE installation SET node_id = 'n-orchestrator'`);
  const pauses: number[] = [];
  const clock = { now: 1_763_633_500_000 };
  const scheduler = new WatchedScheduler(db, () => clock.now);
  let ids = 0;
  const deps: Deps = {
    scheduler,
    reads: makeReads(db),
    credentials: makeCredentials(db),
    access: { ...OPEN, ...access },
    connect: async () => new Response('connected'),
    logs: makeFakeLogs().logs,
    now: () => clock.now,
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    sleep: async (ms) => {
      // The wait for an answer must not end before the answer.
      if (ms > 20_000) await new Promise(() => {});
      pauses.push(ms);
    },
    ...more,
  };
  const app = makeApp(deps);
  /** Sends a request; `body` goes as JSON. */
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const type: Record<string, string> = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await app.request(`http://127.0.0.1:1234${path}`, {
      method,
      headers: { ...type, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
  };
  return { db, scheduler, pauses, clock, app, send };
}
