import type { Route } from '../../src/http/routes/route.ts';
import { table } from '../../src/http/routes/table.ts';
import { EXECUTION, seedWorld } from '../conformance/world.ts';

/** What the examples of the API's description find: the world of the conformance table, and what only they need. */
export function seedExamples(insert: Parameters<typeof seedWorld>[0]): void {
  seedWorld(insert);
  insert('credentials', {
    id: 't-0c3b2f1e-5a5b-4a57-9a7e-1a6f5a1c9b3d',
    kind: 'key',
    name: 'old',
    lookup: '0'.repeat(64),
    verifier: '',
    ending: 'x7Qa2',
    parent: '',
    capabilities: '["read:job"]',
    namespaces: '["*"]',
    created_at: 1_763_633_472_000,
    expires_at: 0,
  });
}

/** The execution whose log is read. */
export const LOGGED_EXECUTION = EXECUTION;
export const LOG_TEXT = 'hi <you>\n';

type Shown = Route & { readonly shown: NonNullable<Route['shown']> };

/** Routes that are described, in the order in which their examples are sent: some change what later ones find. */
export const shownRoutes: readonly Shown[] = table.filter((route): route is Shown => route.shown !== null);

/** Calls the API; the body goes as JSON. */
export type Send = (method: string, path: string, body: unknown) => Promise<{ status: number; text: string }>;

/** Sends a route's example. */
export async function sendExample({ id, method, path, shown }: Shown, send: Send): ReturnType<Send> {
  const { example } = shown;
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(example.path?.[name] ?? ''));
  const query = new URLSearchParams(example.query).toString();
  const body = id === 'authenticate' ? { ...example.body, MethodData: await signedPhrase(send) } : example.body;
  return send(method.toUpperCase(), query === '' ? filled : `${filled}?${query}`, body);
}

/** A public key of this length in PKCS#1 lies behind as many bytes that say what it is. */
const KEY = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};
const SPKI_HEAD_BYTES = 24;

/** What only the moment can say: a signature over the phrase that is good now. */
async function signedPhrase(send: Send): Promise<string> {
  const { text } = await send('GET', '/api/v1/auth/ClientKey', undefined);
  const phrase = atob((JSON.parse(text) as { params: { InputPhrase: string } }).params.InputPhrase);
  const pair = await crypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('RSA has pairs of keys');
  const signature = await crypto.subtle.sign(KEY.name, pair.privateKey, new TextEncoder().encode(phrase));
  const spki = await crypto.subtle.exportKey('spki', pair.publicKey);
  if (!(spki instanceof ArrayBuffer)) throw new Error('a key in SPKI is bytes');
  const answer = { PhraseSignature: base64(signature), PublicKey: base64(spki.slice(SPKI_HEAD_BYTES)) };
  return btoa(JSON.stringify(answer));
}

function base64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
