import { mismatches, type Pattern } from './pattern.ts';

/** One request and everything that its answer must be. Written from the reference, not from what Shoal does. */
export interface Case {
  /** Unique; named in docs/compatibility.md. */
  readonly name: string;
  /** Method and path as the reference writes them, without `/api/v1`. */
  readonly route: string;
  /** Query parameters and body fields of the route that this case shows. */
  readonly shows?: readonly string[];
  /** Models of the reference, and where in the body each is shown: `''` for the body itself. */
  readonly models?: Readonly<Record<string, string>>;
  /** When the path is not the route itself. */
  readonly path?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  /** Of the answer; null means absent. */
  readonly answerHeaders?: Readonly<Record<string, string | null>>;
  /** The body as JSON, or its exact text. */
  readonly answer: Pattern | { readonly text: string };
}

/** What is called; answers as the wire has it. */
export type Send = (
  method: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>>,
) => Promise<{ status: number; headers: { get(name: string): string | null }; text: string }>;

const API = '/api/v1';

/** No node is connected where the table is tried, so that nothing starts; it is about installations where one is. */
const UNPLACEABLE = '"no connected node can take this job: it waits until one can","no node is connected"';

/** An answer without what is told of a job while no node is connected. */
export function withoutNodes(text: string): string {
  return text.replace(`[${UNPLACEABLE}]`, 'null').replace(`,${UNPLACEABLE}`, '');
}

/** Sends the case and tells what is wrong with the answer; nothing when it is right. */
export async function problemsOf(test: Case, send: Send): Promise<string[]> {
  const [method = '', route = ''] = test.route.split(' ');
  const path = test.path ?? route;
  const isRoot = ['/', '/version', '/livez', '/nothing'].includes(path);
  const got = await send(method, isRoot ? path : API + path, test.body, test.headers ?? {});
  const problems: string[] = [];
  if (got.status !== (test.status ?? 200)) problems.push(`status ${got.status} for ${test.status ?? 200}`);
  for (const [name, want] of Object.entries(test.answerHeaders ?? {})) {
    const value = got.headers.get(name);
    if (value !== want) problems.push(`header ${name}: ${value} for ${want}`);
  }
  if (isText(test.answer)) {
    if (got.text !== test.answer.text) problems.push(`body ${JSON.stringify(got.text)}`);
    return problems;
  }
  if (got.headers.get('Content-Type') !== 'application/json') problems.push('no application/json');
  if (!got.text.endsWith('\n') || got.text.indexOf('\n') !== got.text.length - 1) problems.push('no single line');
  problems.push(...mismatches(test.answer, got.text));
  return problems.length === 0 ? [] : [...problems, got.text.slice(0, 2_000)];
}

function isText(answer: Case['answer']): answer is { text: string } {
  return typeof answer === 'object' && answer !== null && 'text' in answer && typeof answer.text === 'string';
}
