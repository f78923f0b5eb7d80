import { describe, test } from 'vitest';
import { ListExecutionsResponse } from '../../../schema/api/execution.ts';
import { ListHistoryResponse } from '../../../schema/api/history.ts';
import type { ApiError } from '../../../schema/api/common.ts';
import { DryRunResponse, GetJobResponse, ListJobsResponse, SubmitJobResponse } from '../../../schema/api/job.ts';
import { makeFakeApi } from '../../../test/fakes/api.ts';
import { seedEvent, seedExecution, seedJob, seedNode } from '../../../test/fakes/seed.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const task = { Name: 'main', Engine: { Type: 'docker', Params: { Image: 'busybox' } } };
const job = { Type: 'batch', Tasks: [task] };
const jobId = 'j-2b1c5f2e-6f0a-4d1e-9d51-0c2f6f3a7b11';
const executionId = 'e-77aa0a0e-5a5b-4a57-9a7e-1a6f5a1c9b3d';

const retryable = (fields: object = {}) => Object.assign(new Error('lost'), { retryable: true, ...fields });

/** What is told of a job while no node is connected. */
const cannot = 'no connected node can take this job: it waits until one can';
const waits = [cannot, 'no node has joined yet'];

describe('dry run', () => {
  test('answers where it would run and with the warnings of a submission, and submits nothing', async ({ expect }) => {
    const { db, send, scheduler } = makeFakeApi();
    seedNode(db, { id: 'n-1' });
    seedNode(db, { id: 'n-2', membership: 'PENDING' });
    await scheduler.join('n-1');
    const got = await send('POST', '/api/v1/shoal/dry-run', { Job: job });
    expect(got.status).toBe(200);
    expect(DryRunResponse.strict().parse(got.json())).toEqual({
      Starts: true,
      Nodes: [
        { NodeID: 'n-1', Suitable: true, Reason: '' },
        { NodeID: 'n-2', Suitable: false, Reason: 'is waiting for approval' },
      ],
      Warnings: null,
    });
    expect(scheduler.submits).toEqual([]);
    expect(db.sqlite.prepare('SELECT count(*) AS n FROM jobs').get()).toEqual({ n: 0 });
  });

  test('says why none would take it', async ({ expect }) => {
    const { db, send } = makeFakeApi();
    seedNode(db, { id: 'n-1' });
    const got = await send('POST', '/api/v1/shoal/dry-run', { Job: job });
    expect(got.json()).toEqual({
      Starts: false,
      Nodes: [{ NodeID: 'n-1', Suitable: false, Reason: 'is not connected' }],
      Warnings: [cannot, 'Node n-1: is not connected'],
    });
  });

  test('refuses what a submission would be refused for', async ({ expect }) => {
    const { send } = makeFakeApi();
    const bad = { Job: { ...job, Type: 'bogus' } };
    const [dry, real] = [await send('POST', '/api/v1/shoal/dry-run', bad), await send('PUT', JOBS, bad)];
    expect([dry.status, (dry.json() as ApiError).Message]).toEqual([400, (real.json() as ApiError).Message]);
  });
});

describe('submit', () => {
  for (const method of ['PUT', 'POST']) {
    test(`by ${method}`, async ({ expect }) => {
      const { send, scheduler } = makeFakeApi();
      const got = await send(method, JOBS, { Job: { ...job, Labels: { a: 'b' } } });
      expect(got.status).toBe(200);
      const body = SubmitJobResponse.strict().parse(got.json());
      expect(body.Warnings).toEqual(waits);
      expect(body.JobID).toMatch(/^j-[0-9a-f-]{36}$/);
      const [command] = scheduler.submits;
      expect(command).toMatchObject({
        jobId: body.JobID,
        name: body.JobID,
        namespace: 'default',
        count: 1,
        retry: false,
      });
      expect(JSON.parse(command?.spec ?? '')).toMatchObject({
        Name: body.JobID,
        Labels: { a: 'b' },
        Meta: { 'bacalhau.org/orchestrator.id': 'n-orchestrator', 'bacalhau.org/requester.id': 'n-orchestrator' },
      });
    });
  }
  test('answers warnings and keeps the client’s ids', async ({ expect }) => {
    const { send, scheduler } = makeFakeApi();
    const headers = { 'X-Bacalhau-InstanceID': 'i', 'X-Bacalhau-InstallationID': 'ii' };
    const got = await send('PUT', JOBS, { Job: { ...job, Version: 1 } }, headers);
    expect(got.json().Warnings).toEqual(['job version is ignored when submitting a job', ...waits]);
    expect(JSON.parse(scheduler.submits[0]?.spec ?? '').Meta).toMatchObject({
      'bacalhau.org/client.instance.id': 'i',
      'bacalhau.org/client.installation.id': 'ii',
    });
  });
  test('refuses with the reference’s shape', async ({ expect }) => {
    const { send } = makeFakeApi();
    const got = await send('PUT', JOBS, { Job: {} });
    expect(got.text).toBe(
      '{"Status":400,"Message":"missing job type\\nmissing job tasks","RequestID":"","Code":"InternalError","Component":"APIServer"}\n',
    );
  });
  test('takes every type of job', async ({ expect }) => {
    const { send } = makeFakeApi();
    for (const Type of ['batch', 'service', 'ops', 'daemon']) {
      expect((await send('PUT', JOBS, { Job: { ...job, Name: Type, Type } })).status).toBe(200);
    }
  });
  test('passes on what the Scheduler refuses', async ({ expect }) => {
    const { send, scheduler } = makeFakeApi();
    const error = {
      status: 503,
      code: 'ServiceUnavailable',
      message: 'busy',
      component: 'Scheduler',
      retryAfterSeconds: 2,
    } as const;
    scheduler.command = async () => ({ ok: false, error });
    const got = await send('PUT', JOBS, { Job: job });
    expect([got.status, got.headers.get('Retry-After'), got.json().Message]).toEqual([503, '2', 'busy']);
  });
});

describe('the labels of a job', () => {
  const found = async ({ send }: ReturnType<typeof makeFakeApi>, selector: string) =>
    (await send('GET', `${JOBS}?labels=${encodeURIComponent(selector)}`)).json().Items.length;

  test('are those of its newest version, whether that was submitted or ran again', async ({ expect }) => {
    const api = makeFakeApi();
    const submit = (Labels: object) => api.send('PUT', JOBS, { Job: { ...job, Name: 'named', Labels } });
    expect((await submit({ team: 'blue', size: '6' })).status).toBe(200);
    expect([await found(api, 'team=blue,size>5'), await found(api, 'team=red')]).toEqual([1, 0]);
    expect((await submit({ team: 'red' })).status).toBe(200);
    expect([await found(api, 'team=blue'), await found(api, 'size'), await found(api, 'team=red')]).toEqual([0, 0, 1]);
    await api.send('DELETE', `${JOBS}/named`);
    expect((await api.send('PUT', `${JOBS}/named/rerun`, { JobVersion: 1 })).status).toBe(200);
    expect([await found(api, 'team=blue,size>5'), await found(api, 'team=red')]).toEqual([1, 0]);
  });
});

describe('a lost answer', () => {
  test('is asked for again with the same ids', async ({ expect }) => {
    const { send, scheduler, pauses } = makeFakeApi();
    scheduler.faults.push({ error: retryable(), after: true }, { error: retryable() });
    const got = await send('PUT', JOBS, { Job: job });
    expect(got.status).toBe(200);
    expect(scheduler.submits.map((submit) => submit.retry)).toEqual([false, true, true]);
    expect(new Set(scheduler.submits.map(({ retry: _, ...submit }) => JSON.stringify(submit))).size).toBe(1);
    expect(pauses).toEqual([100, 400]);
  });
  test('is found in the database', async ({ expect }) => {
    const { send, scheduler } = makeFakeApi();
    scheduler.faults.push({ error: new Error('reset'), after: true });
    const got = await send('PUT', JOBS, { Job: job });
    expect([got.status, scheduler.submits.length]).toEqual([200, 1]);
    expect(got.json().JobID).toBe(scheduler.submits[0]?.jobId);
  });
  test('may stay unknown', async ({ expect }) => {
    const { send, scheduler } = makeFakeApi();
    for (let i = 0; i < 3; i++) scheduler.faults.push({ error: retryable() });
    const got = await send('PUT', JOBS, { Job: job });
    expect([got.status, got.headers.get('Retry-After'), scheduler.submits.length]).toEqual([503, '1', 3]);
    expect(got.json().Message).toContain('unknown outcome');
  });
  test('is not asked for again from an overloaded Scheduler', async ({ expect }) => {
    const { send, scheduler } = makeFakeApi();
    scheduler.faults.push({ error: retryable({ overloaded: true }) });
    expect([(await send('PUT', JOBS, { Job: job })).status, scheduler.submits.length]).toEqual([503, 1]);
  });
});

describe('stop', () => {
  const stopped = async (path: string, body?: unknown) => {
    const api = makeFakeApi();
    seedJob(api.db, { id: jobId, name: 'hello' });
    const got = await api.send('DELETE', path, body);
    return { got, reason: api.scheduler.stops[0]?.reason };
  };
  test('takes the reason from the body', async ({ expect }) => {
    const body = { Namespace: 'default', Credential: null, IdempotencyToken: '', reason: 'enough' };
    const { got, reason } = await stopped(`${JOBS}/hello?namespace=other&reason=no`, body);
    expect([got.status, reason]).toEqual([200, 'enough']);
    expect(Object.keys(got.json())).toEqual(['EvaluationID']);
  });
  test('takes the reason from the query', async ({ expect }) => {
    expect((await stopped(`${JOBS}/${jobId}?reason=enough`, {})).reason).toBe('enough');
    expect((await stopped(`${JOBS}/${jobId}?Reason=enough`)).reason).toBe('enough');
  });
  test.for([
    ['', undefined],
    ['?reason=', undefined],
    ['?reason=None', undefined],
    ['?reason=None', { Reason: 'None' }],
    ['?reason=undefined', {}],
    ['?reason=null', { Reason: ' ' }],
    ['', { Reason: 'None' }],
  ] as const)('has a reason of its own when none is given: %s %j', async ([query, body], { expect }) => {
    expect((await stopped(`${JOBS}/j-2b1c${query}`, body)).reason).toBe('Stopped at user request');
  });
  test('takes the one that is a reason', async ({ expect }) => {
    expect((await stopped(`${JOBS}/j-2b1c?reason=None of it works`)).reason).toBe('None of it works');
    expect((await stopped(`${JOBS}/j-2b1c?reason=enough`, { Reason: 'None' })).reason).toBe('enough');
    expect((await stopped(`${JOBS}/j-2b1c?reason=None`, { Reason: 'enough' })).reason).toBe('enough');
  });
  test('does not know the job', async ({ expect }) => {
    const { got } = await stopped(`${JOBS}/nothing`);
    expect(got.text).toBe(
      '{"Status":404,"Message":"job not found: nothing","RequestID":"","Code":"NotFound","Component":"JobStore"}\n',
    );
  });
});

const output = {
  stdout: 'hi <you>\n',
  stdoutTruncated: false,
  stderr: '',
  stderrTruncated: false,
  exitCode: 7,
  errorMessage: '',
};

function withOneJob(state = 'Completed') {
  const api = makeFakeApi();
  seedJob(api.db, { id: jobId, name: 'hello', state, stateMessage: 'done' });
  seedExecution(api.db, { id: executionId, jobId, computeState: 'Completed', open: 0, partition: 2, output });
  seedEvent(api.db, { jobId, seq: 1, createdAt: 1_763_633_472_100_000 });
  seedEvent(api.db, { jobId, seq: 2, executionId, details: { NodeID: 'n-one' }, createdAt: 1_763_633_473_000_000 });
  return api;
}

const goldenJob =
  `{"ID":"${jobId}","Name":"hello","Namespace":"default","Type":"batch","Priority":0,"Count":1,"Constraints":[],"Meta":{},` +
  `"Labels":{},"Tasks":[{"Name":"main","Engine":{"Type":"docker","Params":{"Image":"busybox","Entrypoint":["echo","a\\u003cb\\u0026c"]}},` +
  `"Publisher":{"Type":""},"Resources":{"CPU":"500m","Memory":"512mb"},"Network":{"Type":"Default"},"Timeouts":{}}],` +
  `"State":{"StateType":"Completed","Message":"done"},"Version":1,"Revision":3,` +
  `"CreateTime":1763633472123456000,"ModifyTime":1763633473123457000}`;
const goldenExecution =
  `{"ID":"${executionId}","Namespace":"default","EvalID":"eval","Name":"","NodeID":"n-one","JobID":"${jobId}","JobVersion":1,` +
  `"PartitionIndex":2,"AllocatedResources":{"Tasks":{"main":{"CPU":0.5,"Memory":512000000}}},"DesiredState":{"StateType":1},` +
  `"ComputeState":{"StateType":9},"PublishedResult":{"Type":""},"RunOutput":{"Stdout":"hi \\u003cyou\\u003e\\n","StdoutTruncated":false,` +
  `"stderr":"","StderrTruncated":false,"ExitCode":7,"ErrorMsg":""},"PreviousExecution":"","NextExecution":"","FollowupEvalID":"",` +
  `"Revision":1,"CreateTime":1763633472200000000,"ModifyTime":1763633472200001000}`;
const goldenEvents =
  `[{"SeqNum":1,"Type":"JobLevel","JobID":"${jobId}","JobVersion":1,"Event":{"Message":"Job submitted","Topic":"Submission",` +
  `"Timestamp":"2025-11-20T10:11:12.1Z"},"Time":"2025-11-20T10:11:12.1Z"},` +
  `{"SeqNum":2,"Type":"ExecutionLevel","JobID":"${jobId}","JobVersion":1,"ExecutionID":"${executionId}","Event":{"Message":"Job submitted",` +
  `"Topic":"Submission","Timestamp":"2025-11-20T10:11:13Z","Details":{"NodeID":"n-one"}},"Time":"2025-11-20T10:11:13Z"}]`;

describe('wire', () => {
  const { send } = withOneJob();
  test('job', async ({ expect }) => {
    expect((await send('GET', `${JOBS}/hello`)).text).toBe(`{"Job":${goldenJob}}\n`);
  });
  test('job with everything', async ({ expect }) => {
    const got = await send('GET', `${JOBS}/${jobId}?include=executions,%20history,bogus&limit=1&namespace=x`);
    expect(got.text).toBe(
      `{"Job":${goldenJob},"History":{"NextToken":"","Items":${goldenEvents}},"Executions":{"NextToken":"","Items":[${goldenExecution}]}}\n`,
    );
    GetJobResponse.strict().parse(got.json());
  });
  test('jobs', async ({ expect }) => {
    const got = await send('GET', `${JOBS}?labels=bacalhau_canary!=true&limit=10`);
    expect(got.text).toBe(`{"NextToken":"","Items":[${goldenJob}]}\n`);
    ListJobsResponse.strict().parse(got.json());
  });
  test('executions', async ({ expect }) => {
    const got = await send('GET', `${JOBS}/hello/executions?namespace=&limit=5&next_token=&reverse=False&order_by=`);
    expect(got.text).toBe(`{"NextToken":"","Items":[${goldenExecution}]}\n`);
    ListExecutionsResponse.strict().parse(got.json());
    expect((await send('GET', `${JOBS}/${jobId}/executions?namespace=*`)).json().Items).toEqual([]);
  });
  test('history', async ({ expect }) => {
    const got = await send('GET', `${JOBS}/hello/history?event_type=all&execution_id=&node_id=`);
    expect(got.text).toBe(`{"NextToken":"","Items":${goldenEvents}}\n`);
    ListHistoryResponse.strict().parse(got.json());
  });
  test('history for old clients', async ({ expect }) => {
    const read = async (version: string) =>
      (await send('GET', `${JOBS}/hello/history`, undefined, { 'X-Bacalhau-Git-Version': version })).json().Items;
    expect(await read('v1.4.0')).toMatchObject([{ JobState: {} }, { ExecutionState: {} }]);
    expect((await read('v1.10.0'))[0]).not.toHaveProperty('JobState');
  });
});

describe('history of a job that runs', () => {
  const token = (text: string) => Buffer.from(text).toString('base64url');
  test('keeps its token to the end', async ({ expect }) => {
    const { send, db } = withOneJob('Running');
    const read = async (query: string) => (await send('GET', `${JOBS}/hello/history?${query}`)).json();
    const first = await read('limit=1');
    expect([first.Items.length, first.NextToken]).toEqual([1, token(':N:1:2')]);
    const second = await read(`limit=10&next_token=${first.NextToken}`);
    expect([second.Items.length, second.NextToken]).toEqual([1, token(':N:10:3')]);
    const third = await read(`next_token=${second.NextToken}`);
    expect(third).toEqual({ NextToken: second.NextToken, Items: [] });
    db.sqlite.exec(`UPDATE jobs SET state = 'Completed'`);
    expect(await read(`next_token=${third.NextToken}`)).toEqual({ NextToken: '', Items: [] });
  });
});

describe('pages of jobs', () => {
  const { send, db } = makeFakeApi();
  const id = (n: number) => `j-0000000${n}-0000-4000-8000-000000000000`;
  for (let n = 0; n < 5; n++)
    seedJob(db, { id: id(n), createdAt: 1000 + n, modifiedAt: 2000 - n, namespace: n < 4 ? 'a' : 'b' });
  const walk = async (query: string) => {
    const pages: number[][] = [];
    let token = '';
    do {
      const got = (await send('GET', `${JOBS}?${query}&next_token=${token}`)).json();
      pages.push(got.Items.map((item: { ID: string }) => Number(item.ID[9])));
      token = got.NextToken;
    } while (token !== '');
    return pages;
  };
  const cases = [
    ['', [[0, 1, 2, 3, 4]]],
    ['limit=2', [[0, 1], [2, 3], [4]]],
    ['limit=5', [[0, 1, 2, 3, 4]]],
    [
      'limit=3&reverse=1',
      [
        [4, 3, 2],
        [1, 0],
      ],
    ],
    [
      'limit=3&order_by=modified_at',
      [
        [4, 3, 2],
        [1, 0],
      ],
    ],
    ['limit=3&namespace=a', [[0, 1, 2], [3]]],
    ['limit=9&namespace=*', [[0, 1, 2, 3, 4]]],
  ] as const;
  for (const [query, want] of cases) {
    test(JSON.stringify(query), async ({ expect }) => expect(await walk(query)).toEqual(want));
  }
});

test('reaches a name with a slash', async ({ expect }) => {
  const { send, db } = makeFakeApi();
  seedJob(db, { id: jobId, name: 'a/b c' });
  expect((await send('GET', `${JOBS}/a%2Fb%20c`)).json().Job.Name).toBe('a/b c');
  expect((await send('GET', `${JOBS}/a%2Fb%20c/history`)).status).toBe(200);
});

describe('queries', () => {
  const { send } = withOneJob();
  const bad = [
    [`${JOBS}?limit=x`, 'query parameter limit: strconv.ParseUint: parsing "x": invalid syntax'],
    [`${JOBS}?limit=4294967296`, 'query parameter limit: strconv.ParseUint: parsing "4294967296": value out of range'],
    [`${JOBS}?reverse=yes`, 'query parameter reverse: strconv.ParseBool: parsing "yes": invalid syntax'],
    [`${JOBS}?order_by=id`, 'invalid order_by "id": allowed are created_at, modified_at'],
    [`${JOBS}?next_token=$`, 'failed to decode paging token: invalid paging token: $'],
    [`${JOBS}?next_token=YQ`, 'invalid number of parts: invalid paging token: YQ'],
    [`${JOBS}?next_token=YTpiOmM6ZDpl`, 'malformed token: invalid paging token: YTpiOmM6ZDpl'],
    [
      `${JOBS}?labels=a%20b`,
      "unable to parse requirement: found 'b', expected: one of: '=', '!=', '==', 'in', 'notin', '<', '>'",
    ],
    [
      `${JOBS}/hello/history?event_type=x`,
      "Key: 'ListJobHistoryRequest.EventType' Error:Field validation for 'EventType' failed on the 'oneof' tag",
    ],
    [
      `${JOBS}/hello/history?since=-1`,
      "Key: 'ListJobHistoryRequest.Since' Error:Field validation for 'Since' failed on the 'min' tag",
    ],
    [`${JOBS}/hello/history?next_token=YQ`, 'invalid next token: invalid number of parts: invalid paging token: YQ'],
  ] as const;
  for (const [path, message] of bad) {
    test(path, async ({ expect }) => {
      const got = await send('GET', path);
      expect([got.status, got.json().Message]).toEqual([400, message]);
    });
  }
  test('take names in any case, and empty values as absent', async ({ expect }) => {
    expect((await send('GET', `${JOBS}?LIMIT=&Reverse=&order_by=&next_token=&labels=`)).status).toBe(200);
  });
  test('name what is missing', async ({ expect }) => {
    expect((await send('GET', `${JOBS}/hello?job_version=7`)).json().Message).toBe(
      `job version 7 not found for job ${jobId}`,
    );
  });
  test('do not count on a submission', async ({ expect }) => {
    expect((await send('PUT', `${JOBS}?limit=x`, { Job: job })).status).toBe(200);
  });
});
