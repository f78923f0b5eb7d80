import type { Case } from './case.ts';

/** A request that a mistaken, old or hostile client might send: a good one with something changed. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** The same numbers for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

const ODD: readonly unknown[] = [
  null,
  '',
  ' ',
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  true,
  [],
  {},
  [null],
  { a: { b: [] } },
  'x'.repeat(300),
  '\0',
  '\ud800',
  'ünï\u2028code',
  "' OR 1=1 --",
  '%',
  '../..',
  '__proto__',
  '99999999999999999999',
  'True',
  'service',
  'daemon',
  'ops',
];
const QUERIES = [
  'namespace',
  'limit',
  'next_token',
  'order_by',
  'reverse',
  'labels',
  'job_version',
  'all_job_versions',
  'include',
  'since',
  'event_type',
  'execution_id',
  'filter-approval',
  'filter-status',
  'pretty',
  'reason',
  'bogus',
];
const HARMLESS = ['', '1', '0', 'true', 'False', 'created_at', 'default', '*'];
const HEADERS: readonly (readonly [string, string])[] = [
  ['X-Bacalhau-Git-Version', 'v1.4.0'],
  ['X-Bacalhau-Git-Version', 'x'],
  ['X-Bacalhau-InstanceID', 'i'.repeat(500)],
  ['X-Request-Id', 'r'.repeat(500)],
  ['Idempotency-Key', 'k'],
  ['Content-Type', 'application/json; charset=utf-8'],
  ['Content-Type', 'application/xml'],
  ['Authorization', 'Bearer whatever'],
  ['Accept-Encoding', 'gzip'],
];

/** Changes one or two things of one of the cases, most often in a way that leaves the request good. */
export function mutate(cases: readonly Case[], random: () => number): FuzzRequest {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const base = pick(cases);
  const [method = 'GET', route = '/'] = base.route.split(' ');
  const path = base.path ?? route;
  let request: FuzzRequest = {
    method,
    path: ['/', '/version', '/livez', '/nothing'].includes(path) ? path : `/api/v1${path}`,
    body: base.body === undefined ? undefined : JSON.stringify(base.body),
    headers: base.headers ?? {},
  };
  const changes = 1 + Math.floor(random() * 2);
  for (let i = 0; i < changes; i++) request = change(request, random, pick);
  return request;
}

type Pick = <T>(list: readonly T[]) => T;

function change(request: FuzzRequest, random: () => number, pick: Pick): FuzzRequest {
  const kind = random();
  if (kind < 0.35)
    return { ...request, path: withQuery(request.path, pick(QUERIES), pick(random() < 0.6 ? HARMLESS : texts)) };
  if (kind < 0.45) {
    const [name, value] = pick(HEADERS);
    return { ...request, headers: { ...request.headers, [name]: value } };
  }
  if (kind < 0.5)
    return {
      ...request,
      path: request.path.replace(/[^/?]+(?=$|\?)/, (part) => encode(random() < 0.5 ? part.slice(0, 3) : pick(texts))),
    };
  if (kind < 0.53) return { ...request, method: pick(['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) };
  if (request.body === undefined) return request;
  if (kind < 0.57) return { ...request, body: cut(request.body, random) };
  const body: unknown = JSON.parse(request.body.startsWith('{') ? safe(request.body) : '{}');
  return { ...request, body: JSON.stringify(kind < 0.8 ? respell(body, random) : replaceOne(body, random, pick)) };
}

const texts = ODD.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));

function safe(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return '{}';
  }
}

function withQuery(path: string, name: string, value: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${name}=${encode(value)}`;
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function cut(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  return random() < 0.5 ? text.slice(0, at) : `${text}${text.slice(at)}`;
}

/** Keys in another case, nulls and unknown keys beside them: the same request to Go. */
function respell(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => respell(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]): [string, unknown] => {
    // What is below a map of the user's own keeps its keys.
    if (['Env', 'Meta', 'Labels', 'Params'].includes(key)) return [key, item];
    return [random() < 0.3 ? key.toLowerCase() : key, respell(item, random)];
  });
  return Object.fromEntries([...entries, ...(random() < 0.3 ? [['Unknown', { a: 1 }] as const] : [])]);
}

/** One place somewhere below gets an odd value, or goes. */
function replaceOne(value: unknown, random: () => number, pick: Pick): unknown {
  if (random() < 0.2 || typeof value !== 'object' || value === null) return pick(ODD);
  if (Array.isArray(value)) {
    const at = Math.floor(random() * value.length);
    return value.map((item: unknown, i) => (i === at ? replaceOne(item, random, pick) : item));
  }
  const keys = Object.keys(value);
  const chosen = keys[Math.floor(random() * keys.length)];
  if (chosen === undefined) return pick(ODD);
  const entries = Object.entries(value);
  if (random() < 0.2) return Object.fromEntries(entries.filter(([key]) => key !== chosen));
  return Object.fromEntries(
    entries.map(([key, item]) => [key, key === chosen ? replaceOne(item, random, pick) : item]),
  );
}
