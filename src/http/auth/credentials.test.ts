import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterEach, beforeEach, describe, test, vi } from 'vitest';
import {
  AuthenticateResponse,
  CreateTokenResponse,
  ListAuthMethodsResponse,
  ListTokensResponse,
} from '../../../schema/api/auth.ts';
import { makeFakeApi } from '../../../test/fakes/api.ts';

const SECRET = 'admin-of-this-test';
const ADMIN = { Authorization: `Bearer ${SECRET}` };
const TOKENS = '/api/v1/shoal/tokens';
const LOGIN = '/api/v1/auth/ClientKey';
const JOBS = '/api/v1/orchestrator/jobs';
const HOUR = 3_600_000;

const closed = (db?: ReturnType<typeof makeFakeApi>['db']) => makeFakeApi({ mode: 'closed', adminToken: SECRET }, db);
type Api = ReturnType<typeof closed>;
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const basic = (user: string, password: string) => ({ Authorization: `Basic ${btoa(`${user}:${password}`)}` });

async function create(api: Api, fields: object) {
  const got = await api.send('POST', TOKENS, fields, ADMIN);
  if (got.status !== 200) throw new Error(got.text);
  return CreateTokenResponse.strict().parse(got.json());
}

async function status(api: Api, headers: Record<string, string>): Promise<number> {
  return (await api.send('GET', JOBS, undefined, headers)).status;
}

describe('a key', () => {
  test('opens until it is revoked, also after a restart', async ({ expect }) => {
    const api = closed();
    const { Token, Secret = '' } = await create(api, { Name: 'ci', Capabilities: ['read:job'] });
    expect(Secret).toMatch(/^shoal_[A-Za-z0-9_-]{43}$/);
    expect(Token).toMatchObject({ Type: 'key', Name: 'ci', Ending: Secret.slice(-5), Namespaces: ['*'] });
    expect(await status(api, bearer(Secret))).toBe(200);
    expect(await status(closed(api.db), bearer(Secret))).toBe(200);
    expect(await status(api, bearer(`${Secret.slice(0, -1)}!`))).toBe(401);
    const gone = await api.send('DELETE', `${TOKENS}/${Token.ID}`, undefined, ADMIN);
    expect(gone.json()).toEqual({ Success: true });
    expect(await status(api, bearer(Secret))).toBe(401);
    expect((await api.send('DELETE', `${TOKENS}/${Token.ID}`, undefined, ADMIN)).status).toBe(404);
  });
  test('expires', async ({ expect }) => {
    const api = closed();
    const { Secret = '', Token } = await create(api, { Capabilities: ['*'], ExpiresIn: 3600 });
    expect(Token.ExpireTime).toBe(new Date(api.clock.now + HOUR).toISOString());
    api.clock.now += HOUR - 1;
    expect(await status(api, bearer(Secret))).toBe(200);
    api.clock.now += 1;
    expect(await status(api, bearer(Secret))).toBe(401);
    expect((await api.send('GET', TOKENS, undefined, ADMIN)).json().Items).toEqual([]);
  });
  test('is nowhere in the database', async ({ expect }) => {
    const api = closed();
    const { Secret = '' } = await create(api, { Capabilities: ['*'] });
    const rows = JSON.stringify(api.db.sqlite.prepare('SELECT * FROM credentials').all());
    expect(rows).not.toContain(Secret);
  });
});

describe('a key of some namespaces', () => {
  test('lists nothing of another one', async ({ expect }) => {
    const api = closed();
    const { Secret = '' } = await create(api, { Capabilities: ['read:job'], Namespaces: ['a'] });
    const got = await api.send('GET', `${JOBS}?namespace=b`, undefined, bearer(Secret));
    expect([got.status, got.json()]).toEqual([200, { NextToken: '', Items: [] }]);
  });
  test('chooses no ids: which are taken is not its to know', async ({ expect }) => {
    const api = closed();
    const { Secret = '' } = await create(api, { Capabilities: ['*'], Namespaces: ['a'] });
    const Job = { ...service, Namespace: 'a', ID: 'of-somebody' };
    const got = (await api.send('PUT', JOBS, { Job }, bearer(Secret))).json() as { JobID: string; Warnings: string[] };
    expect(got.JobID).toMatch(/^j-/);
    expect(got.Warnings).toContain('job ID is ignored: only who may see all namespaces chooses ids');
    expect((await api.send('PUT', JOBS, { Job }, ADMIN)).json()).toMatchObject({ JobID: 'of-somebody' });
  });
});

const service = {
  Type: 'service',
  Count: 0,
  Tasks: [{ Name: 'm', Engine: { Type: 'docker', Params: { Image: 'x' } } }],
};

describe('a user', () => {
  test('opens with name and password', async ({ expect }) => {
    const api = closed();
    const { Token, Secret } = await create(api, {
      Type: 'user',
      Username: 'Ana',
      Password: 'correct horse',
      Capabilities: ['read:*'],
    });
    expect([Token.Username, Secret]).toEqual(['ana', undefined]);
    expect(await status(api, basic('ANA', 'correct horse'))).toBe(200);
    expect(await status(closed(api.db), basic('ana', 'correct horse'))).toBe(200);
    for (const wrong of [basic('ana', 'correct horsf'), basic('bob', 'correct horse'), basic('ana', '')]) {
      const got = await api.send('GET', JOBS, undefined, wrong);
      expect([got.status, got.json().Details.reason]).toEqual([401, 'invalid basic auth credentials']);
    }
    const denied = await api.send('PUT', JOBS, {}, basic('ana', 'correct horse'));
    expect(denied.json().Details.reason).toBe("user 'ana' does not have the required capability 'write:job'");
    await api.send('DELETE', `${TOKENS}/${Token.ID}`, undefined, ADMIN);
    expect(await status(api, basic('ana', 'correct horse'))).toBe(401);
  });
  test('has a name of its own', async ({ expect }) => {
    const api = closed();
    const ana = { Type: 'user', Username: 'ana', Password: 'correct horse', Capabilities: ['*'] };
    await create(api, ana);
    const got = await api.send('POST', TOKENS, { ...ana, Username: 'ANA' }, ADMIN);
    expect([got.status, got.json().Code]).toEqual([409, 'ResourceInUse']);
  });
});

test('what is wrong with a new token is told at once', async ({ expect }) => {
  const api = closed();
  const fields = {
    Type: 'user',
    Username: 'a b',
    Password: 'short',
    Capabilities: ['read:all'],
    ExpiresIn: -1,
    Namespaces: [''],
  };
  const got = await api.send('POST', TOKENS, fields, ADMIN);
  expect([got.status, got.json().Message.split('\n')]).toEqual([
    400,
    [
      'Capabilities: unknown "read:all"',
      'Namespaces: a namespace is not empty',
      expect.stringContaining('ExpiresIn: 0 to '),
      'Username: 1 to 100 letters and digits',
      'Password: 10 to 255 characters',
    ],
  ]);
  const none = await api.send('POST', TOKENS, { Type: 'publicKey' }, ADMIN);
  expect(none.json().Message).toContain('PublicKey or ClientID: one of them is needed');
  expect(
    (await api.send('POST', TOKENS, { Type: 'publicKey', PublicKey: 'abc', Capabilities: ['*'] }, ADMIN)).status,
  ).toBe(400);
  expect((await api.send('POST', TOKENS, { Type: 'x' }, ADMIN)).status).toBe(400);
});

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
const short = generateKeyPairSync('rsa', { modulusLength: 1024 });

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** As Bacalhau's command line answers a challenge. */
function answerTo(phrase: string, { publicKey, privateKey }: Pair): string {
  const signature = createSign('RSA-SHA256').update(Buffer.from(phrase, 'base64')).sign(privateKey).toString('base64');
  const key = publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
  return Buffer.from(JSON.stringify({ PhraseSignature: signature, PublicKey: key })).toString('base64');
}

async function logIn(api: Api, keys: Pair, phrase?: string) {
  const methods = ListAuthMethodsResponse.parse((await api.send('GET', '/api/v1/auth')).json()).Methods;
  const asked = phrase ?? methods['ClientKey']?.params.InputPhrase ?? '';
  const body = { Namespace: '', Credential: null, Name: 'ClientKey', MethodData: answerTo(asked, keys) };
  const got = await api.send('POST', LOGIN, body);
  return { status: got.status, ...AuthenticateResponse.parse(got.json()).Authentication, phrase: asked };
}

describe('the login of the command line', () => {
  afterEach(() => vi.restoreAllMocks());
  test('lets any key in where everybody may come in', async ({ expect }) => {
    const api = makeFakeApi();
    const got = await logIn(api, pair);
    expect(got).toMatchObject({ status: 200, success: true });
    expect(got.token).toMatch(/^open-[0-9a-f]{64}$/);
    const forged = await logIn(api, pair, btoa('another phrase'));
    expect(forged).toMatchObject({ status: 401, success: false, reason: 'crypto/rsa: verification error' });
  });
  test('is not offered while no key is registered', async ({ expect }) => {
    const api = closed();
    expect((await api.send('GET', '/api/v1/auth')).json()).toEqual({ NextToken: '', Methods: {} });
    for (const method of ['GET', 'POST']) expect((await api.send(method, LOGIN)).status).toBe(404);
  });
  for (const form of ['PublicKey', 'PEM', 'SPKI', 'ClientID'] as const) {
    test(`knows a key registered as ${form}`, async ({ expect }) => {
      const api = closed();
      const first = await create(api, { Type: 'publicKey', ClientID: '0'.repeat(64), Capabilities: ['*'] });
      const refused = await logIn(api, pair);
      expect(refused).toMatchObject({ status: 401, success: false });
      const id = /client ID ([0-9a-f]{64})$/.exec(refused.reason ?? '')?.[1] ?? '';
      const forms = {
        PublicKey: { PublicKey: pair.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64') },
        PEM: { PublicKey: pair.publicKey.export({ type: 'pkcs1', format: 'pem' }) },
        SPKI: { PublicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }) },
        ClientID: { ClientID: id },
      };
      const { Token } = await create(api, {
        Type: 'publicKey',
        ...forms[form],
        Capabilities: ['read:job'],
        Namespaces: ['a'],
      });
      expect(Token.ClientID).toBe(id);
      const { token = '', status: answered } = await logIn(api, pair);
      expect(answered).toBe(200);
      expect(await status(api, bearer(token))).toBe(200);
      expect(await status(closed(api.db), bearer(token))).toBe(200);
      expect(await status(api, bearer(`${token}x`))).toBe(401);
      expect((await logIn(api, stranger)).status).toBe(401);
      // A key that another one's owner revokes stays.
      await api.send('DELETE', `${TOKENS}/${first.Token.ID}`, undefined, ADMIN);
      expect(await status(api, bearer(token))).toBe(200);
      await api.send('DELETE', `${TOKENS}/${Token.ID}`, undefined, ADMIN);
      expect(await status(api, bearer(token))).toBe(401);
    });
  }
  test('gives a token that expires, and takes no signature for long', async ({ expect }) => {
    const api = closed();
    await create(api, {
      Type: 'publicKey',
      PublicKey: pair.publicKey.export({ type: 'pkcs1', format: 'pem' }),
      Capabilities: ['*'],
    });
    const { token = '', phrase } = await logIn(api, pair);
    api.clock.now += 10 * 60_000;
    expect((await logIn(api, pair, phrase)).status).toBe(200);
    api.clock.now += 10 * 60_000;
    expect((await logIn(api, pair, phrase)).status).toBe(401);
    api.clock.now += 30 * 24 * HOUR;
    expect(await status(api, bearer(token))).toBe(401);
  });
  test.for([
    [2, 0, 2],
    [0, 0, 100],
    [0, 3, 3],
    [5, 3, 3],
  ] as const)('of %i days, by a key of %i, is good for %i', async ([login, key, good], { expect }) => {
    const day = 24 * HOUR;
    const api = makeFakeApi({ mode: 'closed', adminToken: 'admin-of-this-test', loginMs: login * day });
    const PublicKey = pair.publicKey.export({ type: 'pkcs1', format: 'pem' });
    const ExpiresIn = (key * day) / 1000;
    const body = { Type: 'publicKey', PublicKey, Capabilities: ['*'], ExpiresIn };
    await api.send('POST', TOKENS, body, { Authorization: 'Bearer admin-of-this-test' });
    const { token = '' } = await logIn(api, pair);
    api.clock.now += good * day - HOUR;
    expect(await status(api, bearer(token))).toBe(200);
    api.clock.now += HOUR;
    expect(await status(api, bearer(token))).toBe(good === 100 ? 200 : 401);
  });
  test('says in the log why it refuses, and nothing of one that it lets in', async ({ expect }) => {
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line: unknown) => void lines.push(String(line)));
    const api = closed();
    await create(api, { Type: 'publicKey', ClientID: '0'.repeat(64), Capabilities: ['*'] });
    const { reason = '', phrase } = await logIn(api, pair);
    await logIn(api, pair, btoa('another phrase'));
    await create(api, { Type: 'publicKey', ClientID: reason.slice(-64), Capabilities: ['*'] });
    expect((await logIn(api, pair, phrase)).success).toBe(true);
    const refusals = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'login.refused');
    expect(refusals.map((refusal) => refusal.reason)).toEqual([reason, 'crypto/rsa: verification error']);
    expect(reason).toMatch(/^public key is not registered: client ID [0-9a-f]{64}$/);
  });
  test('takes no short key', async ({ expect }) => {
    const api = closed();
    await create(api, { Type: 'publicKey', ClientID: '0'.repeat(64), Capabilities: ['*'] });
    expect((await logIn(api, short)).reason).toBe('public key is shorter than 2048 bits');
  });
});

test('tokens are listed without what would let anybody in', async ({ expect }) => {
  const api = closed();
  await create(api, { Name: 'one', Capabilities: ['*'] });
  await create(api, { Type: 'user', Username: 'ana', Password: 'correct horse', Capabilities: ['*'] });
  const { Items } = ListTokensResponse.strict().parse((await api.send('GET', TOKENS, undefined, ADMIN)).json());
  expect(Items.map(({ Type, Name }) => [Type, Name])).toEqual([
    ['key', 'one'],
    ['user', ''],
  ]);
});

describe('limits', () => {
  test('of one client', async ({ expect }) => {
    const api = makeFakeApi({ requestsPerSecond: 2 });
    const ask = async (client: string) =>
      (await api.send('GET', '/nothing', undefined, { 'CF-Connecting-IP': client })).status;
    expect([await ask('a'), await ask('a'), await ask('a'), await ask('b')]).toEqual([404, 404, 429, 404]);
    const refused = await api.send('GET', '/nothing', undefined, { 'CF-Connecting-IP': 'a' });
    expect(refused.text).toBe(
      '{"Status":429,"Message":"rate limit exceeded","RequestID":"","Code":"InternalError","Component":"APIServer"}\n',
    );
    api.clock.now += 500;
    expect([await ask('a'), await ask('a')]).toEqual([404, 429]);
  });
});

describe('logs', () => {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    for (const method of ['log', 'error', 'warn'] as const) {
      vi.spyOn(console, method).mockImplementation((line: unknown) => void lines.push(String(line)));
    }
  });
  afterEach(() => vi.restoreAllMocks());

  test('hold no credential, whatever fails', async ({ expect }) => {
    const api = closed();
    const { Secret = '' } = await create(api, { Capabilities: ['*'] });
    await create(api, { Type: 'user', Username: 'ana', Password: 'correct horse', Capabilities: ['*'] });
    const credential = { Scheme: 'Bearer', Value: Secret, Params: null };
    const job = { Type: 'batch', Tasks: [{ Name: 'main', Engine: { Type: 'docker' } }] };
    await api.send('PUT', JOBS, { Job: job, Credential: credential }, bearer(Secret));
    await api.send('PUT', JOBS, { Job: 7, Credential: credential }, bearer(Secret));
    await api.send('PUT', JOBS, `{"Credential":{"Value":"${Secret}"`, bearer(Secret));
    await api.send('PUT', JOBS, { Job: job }, { ...bearer(Secret), 'Idempotency-Key': 'k' });
    await api.send('GET', `${JOBS}?next_token=${Secret}`, undefined, bearer(Secret));
    await api.send('GET', JOBS, undefined, bearer(`${Secret}x`));
    await api.send('GET', JOBS, undefined, basic('ana', 'correct horse'));
    api.scheduler.command = async () => ({ ok: true, value: undefined as never });
    await api.send('PUT', JOBS, { Job: job, Credential: credential }, bearer(Secret));
    api.db.faults.push({ error: new Error('D1_ERROR: away') });
    await api.send('GET', JOBS, undefined, bearer(Secret));
    const login = { MethodData: answerTo(btoa('x'), pair), Credential: credential };
    await api.send('POST', LOGIN, login);
    expect(lines.length).toBeGreaterThan(9);
    const written = lines.join('\n');
    for (const secret of [
      SECRET,
      Secret,
      Secret.slice(6),
      'correct horse',
      btoa('ana:correct horse'),
      login.MethodData,
    ]) {
      expect(written).not.toContain(secret);
    }
  });
});
