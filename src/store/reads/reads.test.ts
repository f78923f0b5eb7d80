import { describe, test } from 'vitest';
import { parseSelector } from '../../../schema/selector.ts';
import { FakeD1 } from '../../../test/fakes/d1.ts';
import { seedEvent, seedExecution, seedJob } from '../../../test/fakes/seed.ts';
import {
  addCredential,
  anyCredential,
  findCredential,
  listCredentials,
  removeCredential,
  type CredentialRecord,
} from '../credentials.ts';
import { executionListStatement, taskNamesStatement } from './executions.ts';
import { historyStatement, progressStatement } from './history.ts';
import { jobByNameStatement, jobListStatement, jobStatement, versionListStatement, type JobListQuery } from './jobs.ts';
import { nodeListStatement } from './nodes.ts';
import { commandStatement, INSTALLATION, makeReads } from './reads.ts';
import { resolveStatement } from './resolve.ts';
import type { Statement } from './statement.ts';

const ref = { namespace: '', text: 'j-1', scope: null };
const scoped = { ...ref, scope: ['a', 'b'] };
const list: JobListQuery = {
  namespaces: null,
  orderBy: 'created_at',
  reverse: false,
  after: null,
  limit: 10,
  labels: [],
};
const after = { at: 5, id: 'j-5' };
const labels = parseSelector(['a=b,c!=d,e in (f),!g,h>1,i<2,k,l notin (m)']);
const executions = { namespace: 'default', orderBy: 'created_at', reverse: false, limit: 10 } as const;
const history = { type: 'JobLevel', executionId: 'e-1', since: 1, fromSeq: 1, limit: 10 } as const;

const credential: CredentialRecord = {
  id: 't-1',
  kind: 'session',
  name: '',
  lookup: 'x',
  verifier: '',
  ending: '',
  parent: 't-0',
  capabilities: [],
  namespaces: [],
  createdAt: 1,
  expiresAt: 0,
};

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no such statement');
  return value;
}

const statements: Record<string, Statement> = {
  resolve: resolveStatement(ref),
  job: jobStatement(ref, 0),
  'job at a version': jobStatement(ref, 2),
  'list of jobs': jobListStatement(list, null),
  'list of jobs, next page': jobListStatement({ ...list, after }, null),
  'list of jobs by modification': jobListStatement({ ...list, orderBy: 'modified_at', reverse: true, after }, null),
  'list of jobs of a namespace': jobListStatement(list, 'a'),
  'list of jobs of a namespace by modification': jobListStatement({ ...list, orderBy: 'modified_at', after }, 'a'),
  'list of jobs with labels': jobListStatement({ ...list, labels }, null),
  'list of jobs with labels in a namespace': jobListStatement({ ...list, labels, reverse: true, after }, 'a'),
  'list of jobs with labels by modification': jobListStatement({ ...list, labels, orderBy: 'modified_at' }, null),
  ...Object.fromEntries(
    ['a=b', 'a!=b', 'a in (b,c)', 'a notin (b,c)', 'a', '!a', 'a>1', 'a<1'].map((text) => [
      `list of jobs with ${text}`,
      jobListStatement({ ...list, labels: parseSelector([text]), after }, null),
    ]),
  ),
  'resolve in a scope': resolveStatement(scoped),
  'job in a scope': jobStatement(scoped, 2),
  'executions in a scope': executionListStatement(scoped, { ...executions, version: 'latest' }),
  'history in a scope': historyStatement(scoped, { ...history, version: 2 }),
  'progress in a scope': progressStatement(scoped, 'e-1'),
  versions: versionListStatement(ref, 10),
  'job by name': jobByNameStatement('a', 'b'),
  installation: INSTALLATION,
  credential: findCredential(['key', 'session'], 'x', 1),
  'any credential': anyCredential(null, 1),
  credentials: listCredentials(1),
  'new credential': { ...must(addCredential(credential)[1]) },
  'expired credentials': { ...must(addCredential(credential)[0]) },
  'revoked sessions': { ...must(removeCredential('t-1')[0]) },
  'revoked credential': { ...must(removeCredential('t-1')[1]) },
  executions: executionListStatement(ref, { ...executions, version: 'latest' }),
  'executions of all versions': executionListStatement(ref, { ...executions, version: 'all' }),
  'executions of a version': executionListStatement(ref, { ...executions, version: 2, orderBy: 'id' }),
  'task names': taskNamesStatement(ref),
  history: historyStatement(ref, { ...history, version: 'latest' }),
  'history of all versions': historyStatement(ref, { ...history, version: 'all', type: null, executionId: '' }),
  progress: progressStatement(ref, 'e-1'),
  nodes: nodeListStatement('', 10),
  command: commandStatement('c'),
};

describe('plans', () => {
  const db = new FakeD1();
  for (const [name, { sql, params }] of Object.entries(statements)) {
    test(`${name} scans no table`, ({ expect }) => {
      const steps = plan(db, sql, params);
      const scans = steps.filter(
        (step) =>
          step.startsWith('SCAN') && !/^SCAN (CONSTANT ROW|json_each|scope|installation|page|sized|\()/.test(step),
      );
      expect(scans).toEqual([]);
      // A page is walked in its order. Only what was found is sorted once more, without its documents.
      const [, page] = /WITH page AS \((.*)\), sized AS/s.exec(sql) ?? [];
      if (page === undefined) return expect(name).not.toMatch(/^list of jobs/);
      expect(plan(db, page, params.slice(0, -1)).filter((step) => step.includes('TEMP B-TREE'))).toEqual([]);
    });
  }
});

function plan(db: FakeD1, sql: string, params: readonly (string | number | null)[]): string[] {
  const steps = db.sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...params);
  return steps.map((step) => String(step['detail']));
}

function fixture() {
  const db = new FakeD1();
  return { db, reads: makeReads(db) };
}

const id = (n: number) => `j-${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;

describe('a job is found', () => {
  const { db, reads } = fixture();
  seedJob(db, { id: id(1), name: 'one' });
  seedJob(db, { id: id(2), name: id(1), namespace: 'other' });
  seedJob(db, { id: 'j-own', name: 'two' });
  const find = (text: string, namespace = '') => reads.findJob({ namespace, text, scope: null });
  const cases = [
    { name: 'by name in the default namespace', text: 'one', namespace: '', want: id(1) },
    { name: 'by id whatever the namespace', text: id(1), namespace: 'nowhere', want: id(1) },
    { name: 'by name before id', text: id(1), namespace: 'other', want: id(2) },
    { name: 'by the beginning of its id', text: 'j-00000002', namespace: '', want: id(2) },
    { name: 'by the beginning of an id of its own', text: 'j-o', namespace: '', want: 'j-own' },
  ];
  for (const { name, text, namespace, want } of cases) {
    test(name, async ({ expect }) => expect(await find(text, namespace)).toBe(want));
  }
  test('not by a name of another namespace', async ({ expect }) => {
    await expect(find('one', 'other')).rejects.toThrow('job not found: one');
  });
  test('not by a whole id that is not there', async ({ expect }) => {
    await expect(find(id(3))).rejects.toThrow(`job not found: ${id(3)}`);
  });
  test('only within a scope, ambiguous beginnings too', async ({ expect }) => {
    const inScope = (text: string, namespace = '') => reads.findJob({ namespace, text, scope: ['other', 'mine'] });
    expect(await inScope('j-0')).toBe(id(2));
    expect(await inScope(id(1), 'other')).toBe(id(2));
    expect(await inScope(id(2))).toBe(id(2));
    for (const text of [id(1), 'one', 'j-o', 'j-own']) await expect(inScope(text)).rejects.toThrow('job not found');
    await expect(inScope('one', 'default')).rejects.toThrow('job not found');
  });
  test('not when several begin so', async ({ expect }) => {
    await expect(find('j-0')).rejects.toMatchObject({ shape: { status: 409, code: 'MultipleJobsFound' } });
  });
  test('not by nothing', async ({ expect }) => {
    await expect(find('')).rejects.toThrow('job not found: ');
  });
  test('not by what LIKE or GLOB would take', async ({ expect }) => {
    for (const text of ['%', 'j-%', '*', '_', "j-' OR 1=1"]) await expect(find(text)).rejects.toThrow('job not found');
  });
});

describe('a list of jobs', () => {
  const { db, reads } = fixture();
  for (let n = 0; n < 5; n++) {
    // Two pairs share a time: the id decides.
    const at = 1000 + Math.floor(n / 2);
    seedJob(db, { id: id(n), namespace: n % 2 === 0 ? 'even' : 'odd', createdAt: at, labels: { n: String(n) } });
  }
  const pages = async (query: Partial<JobListQuery>, limit: number) => {
    const ids: string[][] = [];
    let cursor: JobListQuery['after'] = null;
    for (;;) {
      const { jobs, more } = await reads.listJobs({ ...list, ...query, limit, after: cursor });
      ids.push(jobs.map((job) => job.id));
      const last = jobs.at(-1);
      if (!more || last === undefined) return ids;
      cursor = { at: last.createdAt, id: last.id };
    }
  };
  test('goes on where the page before ended', async ({ expect }) => {
    expect(await pages({}, 2)).toEqual([[id(0), id(1)], [id(2), id(3)], [id(4)]]);
  });
  test('goes backwards', async ({ expect }) => {
    expect(await pages({ reverse: true }, 2)).toEqual([[id(4), id(3)], [id(2), id(1)], [id(0)]]);
  });
  test('keeps to a namespace', async ({ expect }) => {
    expect(await pages({ namespaces: ['odd'] }, 1)).toEqual([[id(1)], [id(3)]]);
  });
  test('keeps to the namespaces of a scope', async ({ expect }) => {
    const both = { namespaces: ['even', 'odd', 'none'] };
    expect(await pages(both, 2)).toEqual([[id(0), id(1)], [id(2), id(3)], [id(4)]]);
    expect(await pages({ ...both, reverse: true }, 3)).toEqual([
      [id(4), id(3), id(2)],
      [id(1), id(0)],
    ]);
    expect(await pages({ namespaces: [] }, 3)).toEqual([[]]);
  });
  test('keeps to labels', async ({ expect }) => {
    const select = (text: string) => pages({ labels: parseSelector([text]) }, 10);
    expect(await select('n!=1')).toEqual([[id(0), id(2), id(3), id(4)]]);
    expect(await select('n>2')).toEqual([[id(3), id(4)]]);
    expect(await select('n in (0,4),n')).toEqual([[id(0), id(4)]]);
    expect(await select('!n')).toEqual([[]]);
  });
});

describe('large documents', () => {
  const { db, reads } = fixture();
  const meta = { big: 'x'.repeat(3 * 1024 * 1024) };
  for (let n = 0; n < 5; n++) seedJob(db, { id: id(n), namespace: n < 4 ? 'a' : 'b', createdAt: 1000 + n, meta });
  seedJob(db, { id: id(9), namespace: 'c', createdAt: 999, meta, version: 5 });
  const page = (query: Partial<JobListQuery>) => reads.listJobs({ ...list, limit: 100, ...query });
  const ids = ({ jobs }: { jobs: readonly { id: string }[] }) => jobs.map((job) => job.id);

  test('end a page early, and the next goes on there', async ({ expect }) => {
    const first = await page({ namespaces: ['a'] });
    expect([ids(first), first.more]).toEqual([[id(0), id(1), id(2)], true]);
    const second = await page({ namespaces: ['a'], after: { at: 1002, id: id(2) } });
    expect([ids(second), second.more]).toEqual([[id(3)], false]);
  });
  test('end the page of several namespaces with the first that ends early', async ({ expect }) => {
    const first = await page({ namespaces: ['b', 'a'] });
    expect([ids(first), first.more]).toEqual([[id(0), id(1), id(2)], true]);
    const back = await page({ namespaces: ['b', 'a'], reverse: true });
    expect([ids(back), back.more]).toEqual([[id(4), id(3), id(2), id(1)], true]);
  });
  test('leave out the oldest versions', async ({ expect }) => {
    const versions = await reads.listVersions({ namespace: '', text: id(9), scope: null });
    expect(versions.map(({ version }) => version)).toEqual([3, 4, 5]);
  });
});

test('one handler is one call', async ({ expect }) => {
  const { db, reads } = fixture();
  seedJob(db, { id: id(1), version: 2 });
  const version = 'latest';
  await reads.getJob(
    { namespace: '', text: id(1), scope: null },
    { version: 0, executions: { ...executions, version }, history: { ...history, executionId: '', version } },
  );
  expect(db.calls).toBe(1);
});

test('an old version shows how it ended', async ({ expect }) => {
  const { db, reads } = fixture();
  seedJob(db, { id: id(1), version: 2, state: 'Running' });
  const get = (version: number) =>
    reads.getJob({ namespace: '', text: id(1), scope: null }, { version, executions: null, history: null });
  expect((await get(0)).job).toMatchObject({ version: 2, state: 'Running' });
  expect((await get(2)).job).toMatchObject({ version: 2, state: 'Running' });
  expect((await get(1)).job).toMatchObject({ version: 1, state: 'Stopped', stateMessage: 'superseded' });
  await expect(get(7)).rejects.toThrow(`job version 7 not found for job ${id(1)}`);
});

const executionId = (n: number) => `e-${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;

test('executions of the latest version, of one, of all', async ({ expect }) => {
  const { db, reads } = fixture();
  seedJob(db, { id: id(1), version: 2 });
  seedExecution(db, { id: executionId(1), jobId: id(1), jobVersion: 1, createdAt: 1 });
  seedExecution(db, { id: executionId(2), jobId: id(1), jobVersion: 2, createdAt: 2 });
  const of = async (version: number | 'latest' | 'all', reverse = false) => {
    const query = { ...executions, namespace: null, version, reverse };
    return (await reads.listExecutions({ namespace: '', text: id(1), scope: null }, query)).map(
      (execution) => execution.jobVersion,
    );
  };
  expect([await of('latest'), await of(1), await of('all'), await of('all', true)]).toEqual([[2], [1], [1, 2], [2, 1]]);
});

test('history stays live until what it is about has ended', async ({ expect }) => {
  const { db, reads } = fixture();
  seedJob(db, { id: id(1), state: 'Running' });
  seedExecution(db, { id: executionId(1), jobId: id(1), computeState: 'Completed', open: 0 });
  for (let seq = 1; seq <= 3; seq++) seedEvent(db, { jobId: id(1), seq, executionId: seq === 3 ? executionId(1) : '' });
  const read = (query: object) =>
    reads.listHistory(
      { namespace: '', text: id(1), scope: null },
      { version: 'latest', type: null, executionId: '', since: 0, fromSeq: 0, limit: 2, ...query },
    );
  expect(await read({})).toMatchObject({ more: true, live: true });
  expect(await read({ fromSeq: 3 })).toMatchObject({ more: false, live: true, events: [{ seq: 3 }] });
  expect(await read({ executionId: executionId(1).slice(0, 10) })).toMatchObject({ more: false, live: false });
  await expect(read({ executionId: 'e-nothing' })).rejects.toThrow('execution not found: e-nothing');
  db.sqlite.exec(`UPDATE jobs SET state = 'Completed'`);
  expect(await read({ fromSeq: 4 })).toMatchObject({ more: false, live: false, events: [] });
});

test('a database that does not answer is a 503', async ({ expect }) => {
  const { db, reads } = fixture();
  db.faults.push({ error: new Error('D1_ERROR: network') });
  await expect(reads.findJob(ref)).rejects.toMatchObject({
    shape: { status: 503, code: 'ServiceUnavailable', retryAfterSeconds: 1 },
  });
});
