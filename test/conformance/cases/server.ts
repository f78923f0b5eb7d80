import type { Case } from '../case.ts';
import type { Pattern } from '../pattern.ts';

export const notFound: Pattern = {
  Status: 404,
  Message: 'The requested resource/URL was not found.',
  RequestID: '',
  Code: 'NotFound',
  Component: 'APIServer',
  Hint: 'The server version may be older than this CLI version and does not support the endpoint yet.',
  Details: {
    cli_usage:
      'If you are using the CLI, try updating your server to a newer version or check if the command is supported in your server version.',
  },
};
const notAllowed: Pattern = {
  Status: 405,
  Message: 'Method Not Allowed',
  RequestID: '',
  Code: 'InternalError',
  Component: 'APIServer',
};
const empty = { text: '' };
const VERSION = '/agent/version';
const origin = 'http://localhost:3000';

/** What belongs to no resource: paths, methods, headers, the version gate. */
export const serverCases: readonly Case[] = [
  {
    name: 'root leads to the version',
    route: 'GET /',
    status: 301,
    answerHeaders: { Location: '/api/v1/agent/version' },
    answer: empty,
  },
  {
    name: '/version leads to the version',
    route: 'GET /version',
    status: 301,
    answerHeaders: { Location: '/api/v1/agent/version' },
    answer: empty,
  },
  {
    name: '/livez leads to alive',
    route: 'GET /livez',
    status: 301,
    answerHeaders: { Location: '/api/v1/agent/alive' },
    answer: empty,
  },
  {
    name: 'a redirect has no other method',
    route: 'POST /livez',
    status: 405,
    answerHeaders: { Allow: 'OPTIONS, GET' },
    answer: notAllowed,
  },
  { name: 'an unknown path', route: 'GET /nothing', status: 404, answer: notFound, models: { Error: '' } },
  { name: 'an unknown path below the API', route: 'GET /version', path: '/version/x', status: 404, answer: notFound },
  {
    name: 'a wrong method below the API is not found',
    route: 'POST /agent/alive',
    status: 404,
    answerHeaders: { Allow: null },
    answer: notFound,
  },
  {
    name: 'a trailing slash is another path',
    route: 'GET /orchestrator/jobs',
    path: '/orchestrator/jobs/',
    status: 404,
    answer: notFound,
  },
  {
    name: 'nodes cannot be posted',
    route: 'POST /orchestrator/nodes',
    status: 404,
    body: { action: 'approve', nodeID: 'n' },
    answer: notFound,
  },
  { name: 'HEAD is not found', route: 'HEAD /agent/alive', status: 404, answer: empty },
  { name: 'HEAD of a redirect is not allowed', route: 'HEAD /livez', status: 405, answer: empty },
  {
    name: 'the old API is gone',
    route: 'POST /requester/submit',
    body: {},
    status: 410,
    answer: {
      Status: 410,
      Message: 'This endpoint is deprecated. Use PUT /api/v1/orchestrator/jobs instead.',
      RequestID: '',
      Code: 'Gone',
      Component: 'APIServer',
      Hint: 'See the migration guide at https://docs.bacalhau.org/references/cli-reference/command-migration for more information.',
    },
  },
  {
    name: 'a preflight of a page',
    route: 'OPTIONS /orchestrator/jobs',
    status: 204,
    headers: { Origin: origin, 'Access-Control-Request-Headers': 'content-type' },
    answerHeaders: {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
      'Access-Control-Allow-Headers': 'content-type',
      Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    },
    answer: empty,
  },
  {
    name: 'OPTIONS without an origin',
    route: 'OPTIONS /nothing',
    status: 204,
    answerHeaders: { 'Access-Control-Allow-Methods': null },
    answer: empty,
  },
  {
    name: 'any page may read an answer',
    route: 'GET /agent/alive',
    headers: { Origin: origin },
    answerHeaders: { 'Access-Control-Allow-Origin': '*', Vary: 'Origin' },
    answer: { Status: 'OK' },
  },
  {
    name: 'an answer says which API it is',
    route: 'GET /agent/alive',
    headers: { 'X-Request-Id': 'mine' },
    answerHeaders: {
      'X-Request-Id': 'mine',
      'X-Bacalhau-Git-Version': 'v1.9.3',
      'X-Bacalhau-Build-Date': '2025-11-20 10:11:12 +0000 UTC',
      'X-Bacalhau-Build-OS': 'linux',
      'X-Bacalhau-Arch': 'amd64',
    },
    answer: { Status: 'OK' },
  },
  {
    name: 'pretty indents',
    route: 'GET /agent/alive',
    path: '/agent/alive?pretty=false',
    shows: ['pretty'],
    answer: { text: '{\n  "Status": "OK"\n}\n' },
  },
  {
    name: 'an error names the request',
    route: 'GET /nothing',
    headers: { 'X-Request-Id': 'mine' },
    status: 404,
    answer: { ...(notFound as object), RequestID: 'mine' },
  },
  {
    name: 'an unreadable client version',
    route: `GET ${VERSION}`,
    headers: { 'X-Bacalhau-Git-Version': 'abc' },
    status: 400,
    answer: { Error: 'Invalid client version abc' },
  },
  {
    name: 'a client that is too old',
    route: `GET ${VERSION}`,
    headers: { 'X-Bacalhau-Git-Version': 'v1.3.2' },
    status: 403,
    answer: {
      Error: 'Client version is outdated. Update your client',
      MinVersion: '1.4.0',
      ClientVersion: '1.3.2',
      ServerVersion: '1.9.3',
    },
  },
  {
    name: 'a client of no release',
    route: 'GET /agent/alive',
    headers: { 'X-Bacalhau-Git-Version': 'v0.0.0-xxxxxxx' },
    answer: { Status: 'OK' },
  },
  {
    name: 'a body of another type',
    route: 'PUT /orchestrator/jobs',
    headers: { 'Content-Type': 'text/plain' },
    body: '{}',
    status: 400,
    answer: {
      Status: 400,
      Message: 'code=415, message=Unsupported Media Type',
      RequestID: '',
      Code: 'InternalError',
      Component: 'APIServer',
      Hint: 'Send the header Content-Type: application/json.',
    },
  },
];
