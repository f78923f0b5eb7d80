import { beforeEach, describe, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { PasswordGate, type PasswordCheck } from './password-gate.ts';

/** A clock that pauses move on; what waits is woken in order of time. */
class Time {
  now = 1_000_000;
  readonly #waiting: { at: number; wake: () => void }[] = [];

  readonly deps = {
    now: () => this.now,
    sleep: (ms: number) => new Promise<void>((wake) => void this.#waiting.push({ at: this.now + ms, wake })),
  };

  async pass(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      const next = this.#waiting.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.now = next.at;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.wake();
    }
    this.now = until;
  }
}

let time: Time;
let gate: PasswordGate;
const right = new Set<string>();

beforeEach(() => {
  time = new Time();
  gate = new PasswordGate(time.deps);
  right.clear();
});

const checkOf = (client: string, credential: string, isUser = true): PasswordCheck => ({
  client,
  isUser,
  credential,
  isKnown: () => right.has(credential),
});

/** How a check went: when it was done, or the seconds after which it may come again. */
async function attempt(check: PasswordCheck, isRight: boolean): Promise<string> {
  try {
    await gate.enter(check);
  } catch (error) {
    return `retry after ${(error as { shape: { retryAfterSeconds: number } }).shape.retryAfterSeconds}`;
  }
  if (isRight) right.add(check.credential);
  gate.leave(check, isRight);
  return `done at ${time.now - 1_000_000}`;
}

describe('password checks', () => {
  test('take turns, and the last of many are sent away', async ({ expect }) => {
    const all = Array.from({ length: 8 }, (_, i) => attempt(checkOf(`c${i}`, `p${i}`), false));
    await time.pass(10_000);
    expect(await Promise.all(all)).toEqual([
      'done at 0',
      'done at 500',
      'done at 1000',
      'done at 1500',
      'done at 2000',
      'retry after 1',
      'retry after 1',
      'retry after 1',
    ]);
  });
  test('of one client go on one at a time', async ({ expect }) => {
    const first = attempt(checkOf('a', 'p0'), false);
    const other = attempt(checkOf('a', 'p1'), false);
    await time.pass(2_000);
    expect([await first, await other]).toEqual(['done at 0', 'retry after 1']);
  });
  test('of made-up names keep no user out', async ({ expect }) => {
    const made = Array.from({ length: 20 }, (_, i) => attempt(checkOf(`c${i}`, `p${i}`, false), false));
    const user = attempt(checkOf('ana', 'right'), true);
    await time.pass(5_000);
    expect(await user).toBe('done at 0');
    expect((await Promise.all(made)).filter((how) => how.startsWith('retry'))).toHaveLength(15);
  });
  test('cost a client more each time that it fails, and another one nothing', async ({ expect }) => {
    const seen: string[] = [];
    for (let i = 0; i < 7; i++) {
      seen.push(await attempt(checkOf('a', `p${i}`), false));
      await time.pass(600);
    }
    expect(seen.slice(4)).toEqual(['done at 2400', 'retry after 1', 'done at 3600']);
    expect(await attempt(checkOf('a', 'right'), true)).toBe('retry after 2');
    expect(await attempt(checkOf('b', 'right'), true)).toBe('done at 4200');
    await time.pass(1_500);
    expect(await attempt(checkOf('a', 'right too'), true)).toBe('done at 5700');
    await time.pass(600);
    for (let i = 0; i < 4; i++) {
      expect(await attempt(checkOf('a', `wrong ${i}`), false)).toMatch('done at');
      await time.pass(600);
    }
  });
  test('pause a minute at most, and all is forgotten after ten', async ({ expect }) => {
    for (let i = 0; i < 30; i++) {
      await attempt(checkOf('a', `p${i}`), false);
      await time.pass(61_000);
    }
    await attempt(checkOf('a', 'p'), false);
    expect(await attempt(checkOf('a', 'right'), true)).toBe('retry after 60');
    await time.pass(600_000);
    await attempt(checkOf('a', 'p'), false);
    await time.pass(1_000);
    expect(await attempt(checkOf('a', 'right'), true)).toMatch('done at');
  });
  test('with the same right credential at once all get in', async ({ expect }) => {
    const check = () => checkOf('a', 'right');
    const first = gate.enter(check());
    const others = Array.from({ length: 5 }, () => attempt(check(), true));
    await time.pass(300);
    await first;
    right.add('right');
    gate.leave(check(), true);
    await time.pass(300);
    for (const how of await Promise.all(others)) expect(how).toMatch('done at');
  });
  test('whose request was dropped hold up nobody for long', async ({ expect }) => {
    await gate.enter(checkOf('a', 'dropped'));
    const other = attempt(checkOf('b', 'p'), false);
    await time.pass(1_000);
    expect(await other).toBe('done at 500');
    expect(await attempt(checkOf('a', 'right'), true)).toBe('done at 1000');
  });
});

const JOBS = '/api/v1/orchestrator/jobs';
const ADMIN = { Authorization: 'Bearer admin-of-this-test' };
const basic = (user: string, password: string, ip: string) => ({
  Authorization: `Basic ${btoa(`${user}:${password}`)}`,
  'CF-Connecting-IP': ip,
});

async function withUsers(access: Parameters<typeof makeFakeApi>[0] = {}) {
  const api = makeFakeApi({ mode: 'closed', adminToken: 'admin-of-this-test', ...access });
  for (const [Username, Password] of [
    ['ana', 'correct horse'],
    ['bob', 'battery staple'],
  ] as const) {
    const user = { Type: 'user', Username, Password, Capabilities: ['read:job'] };
    await api.send('POST', '/api/v1/shoal/tokens', user, ADMIN);
  }
  return api;
}

describe('wrong passwords without end', () => {
  test('from one address are refused with 429, and the right one from another gets in', async ({ expect }) => {
    const { send, clock } = await withUsers();
    const statuses: number[] = [];
    for (let i = 0; i < 20; i++) {
      const got = await send('GET', JOBS, undefined, basic('ana', `wrong ${i}`, '192.0.2.1'));
      statuses.push(got.status);
      clock.now += 500;
      if (got.status !== 429) continue;
      expect(Number(got.headers.get('Retry-After'))).toBeGreaterThan(0);
      expect(got.json()).toMatchObject({ Status: 429, Message: 'too many password checks', Component: 'Authorizer' });
    }
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401]);
    expect(statuses.filter((status) => status === 401).length).toBeLessThan(10);
    expect((await send('GET', JOBS, undefined, basic('ana', 'correct horse', '192.0.2.2'))).status).toBe(200);
    // What was right once is not checked again.
    expect((await send('GET', JOBS, undefined, basic('ana', 'correct horse', '192.0.2.1'))).status).toBe(200);
  });
  test('are counted by user where there are no addresses, whatever a header says', async ({ expect }) => {
    const { send, clock } = await withUsers({ addressHeader: null });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      statuses.push((await send('GET', JOBS, undefined, basic('ana', `wrong ${i}`, `192.0.2.${i}`))).status);
      clock.now += 100;
    }
    expect(statuses).toContain(429);
    clock.now += 2_000;
    expect((await send('GET', JOBS, undefined, basic('bob', 'battery staple', '192.0.2.1'))).status).toBe(200);
  });
});

describe('a closed installation without addresses', () => {
  const ask = async (api: Awaited<ReturnType<typeof withUsers>>, headers: Record<string, string>, path = JOBS) =>
    (await api.send('GET', path, undefined, headers)).status;

  test('limits strangers together, whatever they call themselves', async ({ expect }) => {
    const api = await withUsers({ addressHeader: null, requestsPerSecond: 3 });
    api.clock.now += 10_000;
    const seen: number[] = [];
    for (let i = 0; i < 6; i++) {
      seen.push(await ask(api, { Authorization: `Bearer ${i}`, 'CF-Connecting-IP': `192.0.2.${i}` }));
    }
    expect(seen).toEqual([401, 401, 401, 429, 429, 429]);
    expect(await ask(api, {}, '/api/v1/agent/alive')).toBe(200);
  });
  test('counts a credential that it let in before by itself', async ({ expect }) => {
    const api = await withUsers({ addressHeader: null, requestsPerSecond: 3 });
    api.clock.now += 10_000;
    for (let i = 0; i < 6; i++) await ask(api, {});
    expect(await ask(api, { Authorization: 'Bearer made up' })).toBe(429);
    expect([await ask(api, ADMIN), await ask(api, ADMIN), await ask(api, ADMIN), await ask(api, ADMIN)]).toEqual([
      200, 200, 200, 429,
    ]);
  });
  test('takes no open path for a proof', async ({ expect }) => {
    const api = await withUsers({ addressHeader: null, requestsPerSecond: 3 });
    api.clock.now += 10_000;
    const made = { Authorization: 'Bearer made up' };
    expect(await ask(api, made, '/api/v1/agent/version')).toBe(200);
    for (let i = 0; i < 6; i++) await ask(api, {});
    expect(await ask(api, made)).toBe(429);
  });
});
