import type { Case } from '../case.ts';
import { containing, text, type Pattern } from '../pattern.ts';
import { notFound } from './server.ts';

const method: Pattern = { type: 'challenge', params: { InputPhrase: text } };
const badRequest = (message: Pattern): Pattern => ({
  Status: 400,
  Message: message,
  RequestID: '',
  Code: 'InternalError',
  Component: 'APIServer',
});

export const authCases: readonly Case[] = [
  {
    name: 'methods without credentials',
    route: 'GET /auth',
    answer: { NextToken: '', Methods: { ClientKey: method } },
  },
  { name: 'one method', route: 'GET /auth/{method}', path: '/auth/ClientKey', answer: method },
  {
    name: 'a method that there is not',
    route: 'GET /auth/{method}',
    path: '/auth/other',
    status: 404,
    answer: notFound,
  },
  {
    name: 'a login by a method that there is not',
    route: 'POST /auth/{method}',
    path: '/auth/other',
    body: {},
    status: 404,
    answer: notFound,
  },
  {
    name: 'a login that cannot be read',
    route: 'POST /auth/{method}',
    path: '/auth/ClientKey',
    body: { Namespace: '', Credential: null, Name: 'ClientKey', MethodData: '$' },
    shows: ['MethodData', 'Name'],
    status: 400,
    answer: badRequest(containing('invalid authentication data: ')),
  },
];
