import type { Case } from '../case.ts';
import { digits, type Pattern } from '../pattern.ts';
import { BUSY, events, execution, EXECUTION, HELLO } from '../world.ts';

const HISTORY = 'GET /orchestrator/jobs/{id}/history';
const EXECUTIONS = 'GET /orchestrator/jobs/{id}/executions';
const path = (rest: string) => `/orchestrator/jobs/${rest}`;
const token = (limit: number, next: number) => btoa(`:N:${limit}:${next}`).replaceAll('=', '');
const page = (items: Pattern, next = ''): Pattern => ({ NextToken: next, Items: items });
const [first, second] = events as readonly Pattern[];
const one = execution({ create: digits('1763633472200000000'), modify: digits('1763633472200001000') });
const bad = (message: string, component = 'APIServer', code = 'InternalError'): Pattern => ({
  Status: 400,
  Message: message,
  RequestID: '',
  Code: code,
  Component: component,
});
const missing = (message: string): Pattern => ({
  Status: 404,
  Message: message,
  RequestID: '',
  Code: 'NotFound',
  Component: 'JobStore',
});
const submitted = (seq: number): Pattern => ({
  SeqNum: seq,
  Type: 'JobLevel',
  JobID: BUSY,
  JobVersion: 1,
  Event: { Message: 'Job submitted', Topic: 'Submission', Timestamp: '2025-11-20T10:11:12.123401Z' },
  Time: '2025-11-20T10:11:12.123401Z',
});

export const followedCases: readonly Case[] = [
  {
    name: 'a history with a time out of range',
    route: HISTORY,
    path: path(`${BUSY}/history?since=9223372036854775808`),
    status: 400,
    answer: bad('query parameter since: strconv.ParseInt: parsing "9223372036854775808": value out of range'),
  },
  {
    name: 'a history with a version out of range',
    route: HISTORY,
    path: path(`${BUSY}/history?job_version=18446744073709551616`),
    status: 400,
    answer: bad('query parameter job_version: strconv.ParseUint: parsing "18446744073709551616": value out of range'),
  },
  {
    name: 'a history with an order that is none',
    route: HISTORY,
    path: path(`${BUSY}/history?reverse=maybe`),
    status: 400,
    answer: bad('query parameter reverse: strconv.ParseBool: parsing "maybe": invalid syntax'),
  },
  {
    name: 'history as the Python SDK asks',
    route: HISTORY,
    path: path('hello/history?event_type=execution&execution_id=&node_id='),
    shows: ['id', 'event_type', 'node_id'],
    answer: page([second as Pattern]),
  },
  {
    name: 'history of an ended job ends',
    route: HISTORY,
    path: path('hello/history?event_type=all&limit=10'),
    models: { JobHistory: 'Items[]' },
    answer: page(events),
  },
  {
    name: 'a page of history',
    route: HISTORY,
    path: path('hello/history?limit=1'),
    shows: ['limit'],
    answer: page([first as Pattern], token(1, 2)),
  },
  {
    name: 'the next page of history',
    route: HISTORY,
    path: path(`hello/history?limit=10&next_token=${token(1, 2)}`),
    shows: ['next_token'],
    answer: page([second as Pattern]),
  },
  {
    name: 'history of a live job keeps its token',
    route: HISTORY,
    path: path('busy/history?namespace=busy&limit=10'),
    shows: ['namespace'],
    answer: page([submitted(1)], token(10, 2)),
  },
  {
    name: 'an empty page of a live job keeps its token',
    route: HISTORY,
    path: path(`busy/history?namespace=busy&next_token=${token(10, 2)}`),
    answer: page([], token(10, 2)),
  },
  {
    name: 'history of the job alone',
    route: HISTORY,
    path: path('hello/history?event_type=job'),
    answer: page([first as Pattern]),
  },
  {
    name: 'history of an execution by a short id',
    route: HISTORY,
    path: path(`hello/history?execution_id=${EXECUTION.slice(0, 10)}`),
    shows: ['execution_id'],
    answer: page([second as Pattern]),
  },
  {
    name: 'history since a second',
    route: HISTORY,
    path: path('hello/history?since=1763633473'),
    shows: ['since'],
    answer: page([second as Pattern]),
  },
  {
    name: 'history of a version',
    route: HISTORY,
    path: path('hello/history?job_version=1&all_job_versions=true'),
    shows: ['job_version', 'all_job_versions'],
    answer: page(events),
  },
  {
    name: 'history of a version that there is not',
    route: HISTORY,
    path: path('hello/history?job_version=9'),
    answer: page([]),
  },
  {
    name: 'history has no other order',
    route: HISTORY,
    path: path('hello/history?order_by=x&reverse=true'),
    shows: ['order_by', 'reverse'],
    answer: page(events),
  },
  {
    name: 'history of an execution that there is not',
    route: HISTORY,
    path: path('hello/history?execution_id=e-0'),
    status: 404,
    answer: missing('execution not found: e-0'),
  },
  {
    name: 'an event type that there is not',
    route: HISTORY,
    path: path('hello/history?event_type=x'),
    status: 400,
    answer: bad(
      "Key: 'ListJobHistoryRequest.EventType' Error:Field validation for 'EventType' failed on the 'oneof' tag",
    ),
  },
  {
    name: 'history since before 1970',
    route: HISTORY,
    path: path('hello/history?since=-1'),
    status: 400,
    answer: bad("Key: 'ListJobHistoryRequest.Since' Error:Field validation for 'Since' failed on the 'min' tag"),
  },
  {
    name: 'a history token that cannot be read',
    route: HISTORY,
    path: path('hello/history?next_token=YQ'),
    status: 400,
    answer: bad('invalid next token: invalid number of parts: invalid paging token: YQ', 'JobStore', 'BadRequest'),
  },
  {
    name: 'history for clients before 1.5',
    route: HISTORY,
    path: path('hello/history?event_type=job'),
    headers: { 'X-Bacalhau-Git-Version': 'v1.4.0' },
    models: { JobHistory: 'Items[]' },
    answer: page([
      {
        SeqNum: 1,
        Type: 'JobLevel',
        JobID: HELLO,
        JobVersion: 1,
        JobState: {},
        Event: { Message: 'Job submitted', Topic: 'Submission', Timestamp: '2025-11-20T10:11:12.1Z' },
        Time: '2025-11-20T10:11:12.1Z',
      },
    ]),
  },
  {
    name: 'executions as the Python SDK asks',
    route: EXECUTIONS,
    path: path('hello/executions?namespace=&limit=5&next_token=&reverse=False&order_by='),
    shows: ['id', 'limit', 'next_token', 'reverse', 'order_by'],
    models: { Execution: 'Items[]' },
    answer: page([one]),
  },
  {
    name: 'executions keep to the namespace',
    route: EXECUTIONS,
    path: path(`${HELLO}/executions?namespace=*`),
    shows: ['namespace'],
    answer: page([]),
  },
  {
    name: 'executions of a version',
    route: EXECUTIONS,
    path: path('hello/executions?job_version=2'),
    shows: ['job_version'],
    answer: page([]),
  },
  {
    name: 'executions of all versions',
    route: EXECUTIONS,
    path: path('hello/executions?all_job_versions=True&order_by=modify_time'),
    shows: ['all_job_versions'],
    answer: page([one]),
  },
  {
    name: 'executions in an order that there is not',
    route: EXECUTIONS,
    path: path('hello/executions?order_by=state'),
    answer: page([one]),
  },
  {
    name: 'executions of no job',
    route: EXECUTIONS,
    path: path('x/executions'),
    status: 404,
    answer: missing('job not found: x'),
  },
];
