import type { Case } from '../case.ts';
import { digits, nanos, text, type Pattern } from '../pattern.ts';
import { BUSY, events, execution, FAILED, FOREIGN, HELLO, job, SERVICE, TWICE } from '../world.ts';

const times = { create: digits('1763633472123456000'), modify: digits('1763633473123457000') };
const formed = { create: nanos, modify: nanos };
const labels = { team: 'blue', size: '5' };
const hello = job({ id: HELLO, name: 'hello', state: 'Completed', message: 'done', labels }, times);
const twice = (version: number): Pattern =>
  job(
    {
      id: TWICE,
      name: 'twice',
      state: 'Stopped',
      version,
      ...(version === 1 && { message: 'superseded', revision: 2 }),
    },
    formed,
  );
const failed = job({ id: FAILED, name: 'failed', state: 'Failed' }, formed);
const other = job({ id: FOREIGN, name: 'other', namespace: 'team', state: 'Failed' }, formed);
const web = job({ id: SERVICE, name: 'web', type: 'service', state: 'Stopped' }, formed);
const busy = job({ id: BUSY, name: 'busy', namespace: 'busy', state: 'Pending' }, formed);

const GET = 'GET /orchestrator/jobs/{id}';
const LIST = 'GET /orchestrator/jobs';
const path = (rest: string) => `/orchestrator/jobs/${rest}`;
const page = (items: readonly Pattern[], token: Pattern = ''): Pattern => ({ NextToken: token, Items: items });
const bad = (message: Pattern): Pattern => ({
  Status: 400,
  Message: message,
  RequestID: '',
  Code: 'InternalError',
  Component: 'APIServer',
});
const missing = (message: string): Pattern => ({
  Status: 404,
  Message: message,
  RequestID: '',
  Code: 'NotFound',
  Component: 'JobStore',
});

const getCases: readonly Case[] = [
  {
    name: 'a job by its name',
    route: GET,
    path: path('hello?namespace='),
    shows: ['id', 'namespace'],
    models: { Job: 'Job', 'Job.Tasks[]': 'Job.Tasks[]' },
    answer: { Job: hello },
  },
  {
    name: 'a job by its id in any namespace',
    route: GET,
    path: path(`${FOREIGN}?namespace=x`),
    answer: { Job: other },
  },
  { name: 'a job by the beginning of its id', route: GET, path: path('j-2b1c5'), answer: { Job: hello } },
  {
    name: 'a name counts in its own namespace',
    route: GET,
    path: path('other?namespace=team'),
    answer: { Job: other },
  },
  {
    name: 'a name of another namespace',
    route: GET,
    path: path('other'),
    status: 404,
    answer: missing('job not found: other'),
  },
  {
    name: 'a beginning that several ids share',
    route: GET,
    path: path('j-2b1c'),
    status: 409,
    answer: {
      Status: 409,
      Message: 'multiple jobs found for id j-2b1c',
      RequestID: '',
      Code: 'MultipleJobsFound',
      Component: 'JobStore',
      Hint: 'Use full job ID',
    },
  },
  {
    name: 'a whole id is no beginning',
    route: GET,
    path: path('j-2b1c5f2e-6f0a-4d1e-9d51-000000000000'),
    status: 404,
    answer: missing('job not found: j-2b1c5f2e-6f0a-4d1e-9d51-000000000000'),
  },
  { name: 'the job called diff', route: GET, path: path('diff'), status: 404, answer: missing('job not found: diff') },
  {
    name: 'a version of a job',
    route: GET,
    path: path('twice?job_version=1'),
    shows: ['job_version'],
    answer: { Job: twice(1) },
  },
  {
    name: 'a version that there is not',
    route: GET,
    path: path('hello?job_version=7'),
    status: 404,
    answer: missing(`job version 7 not found for job ${HELLO}`),
  },
  {
    name: 'a job with its history and executions',
    route: GET,
    path: path('hello?include=executions,%20history,bogus&limit=1'),
    shows: ['include', 'limit'],
    models: { Execution: 'Executions.Items[]', JobHistory: 'History.Items[]' },
    answer: {
      Job: hello,
      History: { NextToken: '', Items: events },
      Executions: {
        NextToken: '',
        Items: [execution({ create: digits('1763633472200000000'), modify: digits('1763633472200001000') })],
      },
    },
  },
];

const listCases: readonly Case[] = [
  { name: 'all jobs', route: LIST, answer: page([hello, other, twice(2), web, failed, busy]), models: { Page: '' } },
  {
    name: 'jobs as the Python SDK asks',
    route: LIST,
    path: '/orchestrator/jobs?limit=1&next_token=&reverse=False&order_by=created_at',
    shows: ['limit'],
    answer: page([hello], text),
  },
  {
    name: 'jobs as the command line asks',
    route: LIST,
    path: '/orchestrator/jobs?labels=bacalhau_canary!=true&limit=10',
    shows: ['labels'],
    answer: page([hello, other, twice(2), web, failed, busy]),
  },
  {
    name: 'jobs backwards',
    route: LIST,
    path: '/orchestrator/jobs?limit=2&Reverse=1',
    shows: ['reverse'],
    answer: page([busy, failed], text),
  },
  {
    name: 'jobs by their last change',
    route: LIST,
    path: '/orchestrator/jobs?order_by=modified_at&limit=1',
    shows: ['order_by'],
    answer: page([hello], text),
  },
  {
    name: 'jobs after a page',
    route: LIST,
    // created_at:N:1:<time of the job hello>:<its id>
    path: `/orchestrator/jobs?next_token=${btoa(`created_at:N:1:1763633472123456:${HELLO}`).replaceAll('=', '')}&limit=5&reverse=true`,
    shows: ['next_token'],
    answer: page([other], text),
  },
  {
    name: 'jobs of a namespace',
    route: LIST,
    path: '/orchestrator/jobs?namespace=team',
    shows: ['namespace'],
    answer: page([other]),
  },
  {
    name: 'jobs of every namespace',
    route: LIST,
    path: '/orchestrator/jobs?namespace=*&limit=1',
    answer: page([hello], text),
  },
  {
    name: 'jobs with a label',
    route: LIST,
    path: '/orchestrator/jobs?labels=team%20in%20(blue,red)&labels=size%3E4',
    answer: page([hello]),
  },
  {
    name: 'jobs without a label',
    route: LIST,
    path: '/orchestrator/jobs?labels=!team&namespace=default&limit=1',
    answer: page([twice(2)], text),
  },
  {
    name: 'an order that there is not',
    route: LIST,
    path: '/orchestrator/jobs?order_by=id',
    status: 400,
    answer: bad('invalid order_by "id": allowed are created_at, modified_at'),
  },
  {
    name: 'a token that cannot be read',
    route: LIST,
    path: '/orchestrator/jobs?next_token=$',
    status: 400,
    answer: bad('failed to decode paging token: invalid paging token: $'),
  },
  {
    name: 'a token of too few parts',
    route: LIST,
    path: '/orchestrator/jobs?next_token=YQ',
    status: 400,
    answer: bad('invalid number of parts: invalid paging token: YQ'),
  },
  {
    name: 'a selector that cannot be read',
    route: LIST,
    path: '/orchestrator/jobs?labels=,',
    status: 400,
    answer: bad("unable to parse requirement: found ',', expected: identifier"),
  },
  {
    name: 'a boolean that is none',
    route: LIST,
    path: '/orchestrator/jobs?reverse=yes',
    status: 400,
    answer: bad('query parameter reverse: strconv.ParseBool: parsing "yes": invalid syntax'),
  },
  {
    name: 'a number that is none',
    route: LIST,
    path: '/orchestrator/jobs?limit=-1',
    status: 400,
    answer: bad('query parameter limit: strconv.ParseUint: parsing "-1": invalid syntax'),
  },
];

const VERSIONS = 'GET /orchestrator/jobs/{id}/versions';
const RESULTS = 'GET /orchestrator/jobs/{id}/results';

export const jobCases: readonly Case[] = [
  ...getCases,
  ...listCases,
  {
    name: 'versions of a job',
    route: VERSIONS,
    path: path('twice/versions?limit=1&next_token=x&reverse=true&order_by=x'),
    shows: ['limit', 'next_token', 'order_by', 'reverse'],
    answer: page([twice(1), twice(2)]),
  },
  {
    name: 'versions by a name of a namespace',
    route: VERSIONS,
    path: path('other/versions?namespace=team'),
    shows: ['id', 'namespace'],
    answer: page([other]),
  },
  {
    name: 'versions of no job',
    route: VERSIONS,
    path: path('x/versions'),
    status: 404,
    answer: missing('job not found: x'),
  },
  {
    name: 'results of a job that published nothing',
    route: RESULTS,
    path: path('hello/results?namespace=default'),
    shows: ['id', 'namespace'],
    answer: page([]),
  },
  {
    name: 'results of a service',
    route: RESULTS,
    path: path('web/results'),
    status: 400,
    answer: {
      Status: 400,
      Message: 'results are not available for service jobs',
      RequestID: '',
      Code: 'BadRequest',
      Component: 'Bacalhau',
    },
  },
  {
    name: 'results of no job',
    route: RESULTS,
    path: path('x/results'),
    status: 404,
    answer: missing('job not found: x'),
  },
];
