import type { Case } from '../case.ts';
import { text, time, type Pattern } from '../pattern.ts';

const JOBS = 'GET /orchestrator/jobs';
const admin = { Authorization: 'Bearer {admin}' };

const unauthorized = (reason: string): Pattern => ({
  Status: 401,
  Message: 'Request Unauthorized',
  RequestID: '',
  Code: 'Unauthorized',
  Component: 'Authorizer',
  Hint: 'Unauthorized principal. Event has been recorded.',
  Details: { reason },
});

const refused = (reason: string, authorization?: string): Case => ({
  name: `closed: ${reason}`,
  route: JOBS,
  status: 401,
  ...(authorization !== undefined && { headers: { Authorization: authorization } }),
  answerHeaders: { 'X-Bacalhau-Git-Version': null, 'WWW-Authenticate': null },
  answer: unauthorized(reason),
});

/** A closed installation; `{admin}` stands for its first credential. */
export const closedCases: readonly Case[] = [
  refused('Missing Authorization header'),
  refused('unsupported authentication method', 'Token abc'),
  refused('invalid API key', 'Bearer abc'),
  refused('empty API key provided', 'Bearer '),
  refused('OAuth2 authentication not configured on server', 'Bearer e30.e30.abc'),
  refused('failed to decode basic auth credentials', 'Basic $'),
  refused('invalid basic auth credentials format', 'Basic YWJj'),
  refused('invalid basic auth credentials', 'Basic YTpi'),
  {
    name: 'closed: / needs a credential',
    route: 'GET /',
    path: '/',
    status: 401,
    answer: unauthorized('Missing Authorization header'),
  },
  {
    name: 'closed: an unknown path needs a credential',
    route: 'GET /nothing',
    status: 401,
    answer: unauthorized('Missing Authorization header'),
  },
  { name: 'closed: anybody may ask whether it lives', route: 'GET /agent/alive', answer: { Status: 'OK' } },
  {
    name: 'closed: anybody may ask for single sign-on',
    route: 'GET /agent/authconfig',
    answer: { Version: '1.0.0', Config: {} },
  },
  { name: 'closed: methods while no key is registered', route: 'GET /auth', answer: { NextToken: '', Methods: {} } },
  {
    name: 'closed: the first credential opens',
    route: 'GET /orchestrator/jobs',
    headers: admin,
    answer: { NextToken: '', Items: [] },
  },
  {
    name: 'closed: a new key',
    route: 'POST /shoal/tokens',
    headers: admin,
    body: { Name: 'ci', Capabilities: ['read:job'], Namespaces: ['team'] },
    answer: {
      Token: {
        ID: text,
        Type: 'key',
        Name: 'ci',
        Ending: text,
        Capabilities: ['read:job'],
        Namespaces: ['team'],
        CreateTime: time,
        ExpireTime: '0001-01-01T00:00:00Z',
      },
      Secret: text,
    },
  },
  {
    name: 'closed: a new user',
    route: 'POST /shoal/tokens',
    headers: admin,
    body: { Type: 'user', Username: 'ana', Password: 'correct horse', Capabilities: ['read:agent'] },
    answer: {
      Token: {
        ID: text,
        Type: 'user',
        Name: '',
        Username: 'ana',
        Capabilities: ['read:agent'],
        Namespaces: ['*'],
        CreateTime: time,
        ExpireTime: '0001-01-01T00:00:00Z',
      },
    },
  },
  {
    name: 'closed: a missing capability',
    route: JOBS,
    headers: { Authorization: `Basic ${btoa('ana:correct horse')}` },
    status: 403,
    answer: {
      Status: 403,
      Message: 'Request Forbidden',
      RequestID: '',
      Code: 'Forbidden',
      Component: 'Authorizer',
      Hint: "The user 'ana' does not have the required capability 'read:job'.",
      Details: { reason: "user 'ana' does not have the required capability 'read:job'" },
    },
  },
];
