import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { depsOf } from '../../src/deps-of.ts';
import type { Env } from '../../src/env.ts';
import { makeApp } from '../../src/http/app.ts';
import { problemsOf, type Case, type Send } from '../conformance/case.ts';
import { closedCases } from '../conformance/cases/closed.ts';

const ADMIN = 'first-credential-of-this-test';
const TOKENS = '/api/v1/shoal/tokens';
const closedEnv = { ...(env as unknown as Env), SHOAL_AUTH: 'required', SHOAL_ADMIN_TOKEN: ADMIN };

/** The Worker as it is once it has been loaded anew: nothing but D1 and the Scheduler outlives it. */
function restarted(): Send {
  const app = makeApp(depsOf(closedEnv));
  return async (method, path, body, headers) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const request = new Request(`https://shoal.example${path}`, {
      method,
      redirect: 'manual',
      headers: { ...type, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const context = createExecutionContext();
    const response = await app.fetch(request, closedEnv, context);
    await waitOnExecutionContext(context);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const base64 = (bytes: ArrayBuffer | Uint8Array) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** The PKCS#1 key inside an SPKI, whose header has the same length for every RSA-2048 key. */
const SPKI_HEADER_BYTES = 24;

async function makeKeys() {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const spki = (await crypto.subtle.exportKey('spki', keys.publicKey)) as ArrayBuffer;
  const publicKey = base64(spki.slice(SPKI_HEADER_BYTES));
  const answerTo = async (phrase: string) => {
    const bytes = Uint8Array.from(atob(phrase), (unit) => unit.charCodeAt(0));
    const signature = await crypto.subtle.sign(algorithm.name, keys.privateKey, bytes);
    return btoa(JSON.stringify({ PhraseSignature: base64(signature), PublicKey: publicKey }));
  };
  const pkcs8 = (await crypto.subtle.exportKey('pkcs8', keys.privateKey)) as ArrayBuffer;
  return { publicKey, spki: base64(spki), pkcs8: base64(pkcs8), answerTo };
}

describe('closed: answers', () => {
  const send = restarted();
  for (const item of closedCases) {
    const headers: Case['headers'] = Object.fromEntries(
      Object.entries(item.headers ?? {}).map(([name, value]) => [name, value.replace('{admin}', ADMIN)]),
    );
    test(item.name, async () => expect(await problemsOf({ ...item, headers }, send)).toEqual([]));
  }
});

test('closed: a registered key logs in, and its token outlives a restart', async () => {
  const send = restarted();
  const [own, stranger] = [await makeKeys(), await makeKeys()];
  const create = { Type: 'publicKey', PublicKey: own.publicKey, Capabilities: ['read:job'] };
  const created = await send('POST', TOKENS, create, bearer(ADMIN));
  expect(created.status).toBe(200);
  const again = await send('POST', TOKENS, { ...create, PublicKey: own.spki }, bearer(ADMIN));
  expect([again.status, again.text]).toEqual([409, expect.stringContaining('public key already exists')]);
  expect((await send('POST', TOKENS, { ...create, PublicKey: own.pkcs8 }, bearer(ADMIN))).status).toBe(400);
  const { Token } = JSON.parse(created.text) as { Token: { ID: string } };

  const methods = await send('GET', '/api/v1/auth', undefined, {});
  const phrase = (JSON.parse(methods.text) as { Methods: { ClientKey: { params: { InputPhrase: string } } } }).Methods
    .ClientKey.params.InputPhrase;
  const logIn = async (keys: typeof own) => {
    const body = { Name: 'ClientKey', MethodData: await keys.answerTo(phrase) };
    const got = await send('POST', '/api/v1/auth/ClientKey', body, {});
    const { Authentication } = JSON.parse(got.text) as { Authentication: { success: boolean; token?: string } };
    return { status: got.status, ...Authentication };
  };
  expect(await logIn(stranger)).toMatchObject({ status: 401, success: false });
  const { status, token = '' } = await logIn(own);
  expect(status).toBe(200);

  const ask = async (by: Send, text: string) =>
    (await by('GET', '/api/v1/orchestrator/jobs', undefined, bearer(text))).status;
  expect(await ask(send, token)).toBe(200);
  expect(await ask(restarted(), token)).toBe(200);
  expect(await ask(send, `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`)).toBe(401);
  await closedEnv.DB.prepare(`UPDATE credentials SET expires_at = 1 WHERE kind = 'session'`).run();
  expect(await ask(send, token)).toBe(401);
  const { token: second = '' } = await logIn(own);
  expect(await ask(send, second)).toBe(200);
  expect((await send('DELETE', `${TOKENS}/${Token.ID}`, undefined, bearer(ADMIN))).status).toBe(200);
  expect(await ask(send, second)).toBe(401);
});
