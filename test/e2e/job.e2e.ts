import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressOf, callDocker } from '../../cli/src/up/docker/api.ts';
import { COMPLETED, dockerJob } from '../harness/api.ts';
import { Stack, dockerHost, eventually } from '../harness/stack.ts';

let stack: Stack;
beforeAll(async () => void (stack = await Stack.start()));
afterAll(() => stack.stop());

/** The project's reference request; only the image is one that is there without a registry. */
const reference = (word: string) =>
  `{"Job":{"Name":"test-job-${word}","Namespace":"default","Type":"batch","Count":1,"Labels":{"foo":"bar","env":"dev"},"Tasks":[{"Name":"task1","Engine":{"Type":"docker","Params":{"Image":"busybox:latest","Entrypoint":["echo","${word}"]}},"Publisher":{"Type":"noop","Params":{}},"ResourcesConfig":{"CPU":"0.1","Memory":"10mb"},"Network":{"Type":"None"},"Timeouts":{"ExecutionTimeout":30}}]}}`;

async function names(): Promise<string> {
  const address = addressOf(dockerHost());
  if (address === undefined) throw new Error(`cannot speak to ${dockerHost()}`);
  return (await callDocker(address, '/containers/json?all=1', { timeoutMs: 5_000 })).body;
}

describe('a job that runs', () => {
  test.for(['hello', randomUUID()])('the reference request prints %s', async (word) => {
    const { status, body } = await stack.api.call('PUT', '/api/v1/orchestrator/jobs', reference(word));
    expect(status).toBe(200);
    expect(body).toMatchObject({ JobID: expect.stringMatching(/^j-/), EvaluationID: expect.stringMatching(/./) });
    await stack.api.waitForJob(body.JobID, 'Completed');
    const executions = await stack.api.executions(body.JobID);
    expect(executions).toHaveLength(1);
    expect(executions[0]).toMatchObject({
      ComputeState: { StateType: COMPLETED },
      RunOutput: { Stdout: `${word}\n`, ExitCode: 0 },
    });
    expect((await stack.api.job(body.JobID)).Labels).toMatchObject({ foo: 'bar', env: 'dev' });
  });

  test('a non-zero exit is Completed with its code, and stderr is kept apart', async () => {
    const id = await stack.api.submit(dockerJob(['sh', '-c', 'echo out; echo err >&2; exit 7']));
    await stack.api.waitForJob(id, 'Completed');
    const [execution] = await stack.api.executions(id);
    expect(execution?.RunOutput).toMatchObject({ ExitCode: 7, Stdout: 'out\n', stderr: 'err\n' });
  });

  test('its container is named by the execution, and is gone afterwards', async () => {
    const id = await stack.api.submit(dockerJob(['sleep', '2']));
    await stack.api.waitForJob(id, 'Running');
    const [execution] = await stack.api.executions(id);
    const name = `/${execution?.ID}`;
    await eventually(async () => ((await names()).includes(name) ? true : undefined), 60_000, `a container ${name}`);
    await stack.api.waitForJob(id, 'Completed');
    await eventually(async () => ((await names()).includes(name) ? undefined : true), 60_000, `${name} removed`);
  });

  test('a stopped one is Stopped and its container ends', async () => {
    const id = await stack.api.submit(dockerJob(['sleep', '300']));
    await stack.api.waitForJob(id, 'Running');
    const { status, body } = await stack.api.call('DELETE', `/api/v1/orchestrator/jobs/${id}?reason=enough`);
    expect(status).toBe(200);
    expect(body.EvaluationID).toMatch(/./);
    const job = await stack.api.waitForJob(id, 'Stopped');
    expect(job.State.Message).toContain('enough');
    const [execution] = await stack.api.executions(id);
    const gone = async () => ((await names()).includes(`/${execution?.ID}`) ? undefined : true);
    await eventually(gone, 60_000, 'the container of a stopped job gone');
  });
});

describe('a job that cannot run', () => {
  test('an image that cannot be had fails it with the reason', async () => {
    const job = dockerJob(['true']);
    const [task] = job.Tasks;
    const Engine = { Type: 'docker', Params: { Image: '127.0.0.1:9/nothing/here:1', Entrypoint: ['true'] } };
    const id = await stack.api.submit({ ...job, Tasks: [{ ...task, Engine }] });
    const reason = await eventually(
      async () => {
        const executions = await stack.api.executions(id);
        return executions.find((execution) => execution.ComputeState.Message?.includes('127.0.0.1:9'));
      },
      60_000,
      'an execution whose message names the image',
    );
    expect(reason.ComputeState.StateType).not.toBe(COMPLETED);
  });

  test('an engine that no node offers lets it wait with that reason', async () => {
    const job = dockerJob(['true']);
    const id = await stack.api.submit({ ...job, Tasks: [{ Name: 'main', Engine: { Type: 'wasm', Params: {} } }] });
    const waiting = await eventually(
      async () => {
        const { State } = await stack.api.job(id);
        return State.Message ? State : undefined;
      },
      60_000,
      'a reason',
    );
    expect(waiting.StateType).toMatch(/^(?:Queued|Pending)$/);
    expect(waiting.Message).toMatch(/wasm/i);
    await stack.api.call('DELETE', `/api/v1/orchestrator/jobs/${id}`);
  });
});

describe('bad requests', () => {
  const jobs = '/api/v1/orchestrator/jobs';
  test.for([
    ['malformed JSON', '{"Job":', 400],
    ['no job', {}, 400],
    ['an unknown type', { Job: { ...dockerJob(['true']), Type: 'party' } }, 400],
    ['no tasks', { Job: { ...dockerJob(['true']), Tasks: [] } }, 400],
    ['a negative count', { Job: { ...dockerJob(['true']), Count: -1 } }, 400],
  ] as const)('%s is refused with the reason', async ([, body, expected]) => {
    const answer = await stack.api.call('PUT', jobs, body);
    expect(answer.status).toBe(expected);
    expect(answer.body).toMatchObject({ Status: expected, Message: expect.stringMatching(/./) });
  });

  test.for([
    ['by its length', { expect: '100-continue' }],
    ['by its length, sent without asking', {}],
    ['while it is counted, sent without asking', { 'transfer-encoding': 'chunked' }],
  ] as const)('a body over 10 MB is refused %s', async ([, headers]) => {
    const body = `{"Job":"${'x'.repeat(20_000_000)}"}`;
    const answer = await stack.api.call('PUT', jobs, body, headers);
    expect([answer.status, answer.body.Message]).toEqual([413, 'Request Entity Too Large']);
  });

  test('an unknown job is 404', async () => {
    const { status, body } = await stack.api.get('/jobs/j-11111111-1111-4111-8111-111111111111');
    expect(status).toBe(404);
    expect(body).toMatchObject({ Status: 404, Code: 'NotFound' });
  });

  test('the old API is gone and says where the new one is', async () => {
    const { status, body } = await stack.api.call('POST', '/api/v1/requester/submit', {});
    expect(status).toBe(410);
    expect(body.Message).toContain('/api/v1/orchestrator/jobs');
  });
});
