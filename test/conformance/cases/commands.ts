import type { Case } from '../case.ts';
import { uuid, containing, type Pattern } from '../pattern.ts';
import { BUSY, FAILED, HELLO } from '../world.ts';

const STOP = 'DELETE /orchestrator/jobs/{id}';
const RERUN = 'PUT /orchestrator/jobs/{id}/rerun';
const DIFF = 'PUT /orchestrator/jobs/diff';
const path = (rest: string) => `/orchestrator/jobs/${rest}`;
const error = (status: number, message: Pattern, code: string, component: string): Pattern => ({
  Status: status,
  Message: message,
  RequestID: '',
  Code: code,
  Component: component,
});
const credential = { Scheme: 'Bearer', Value: 'not-to-be-logged', Params: null };
const cli = { Namespace: '', Credential: credential, IdempotencyToken: '' };
const reran: Pattern = { JobID: HELLO, JobVersion: 2, EvaluationID: uuid, Warnings: null };
const task = {
  Name: 'main',
  Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['echo', 'a<b&c'] } },
  Resources: { CPU: '500m', Memory: '512Mb' },
};
const same = { Name: 'twice', Type: 'batch', Count: 1, Tasks: [task] };

/** Stopping, running again, comparing: commands on jobs that are there. */
export const commandCases: readonly Case[] = [
  {
    name: 'stopping a completed job',
    route: STOP,
    path: path('hello'),
    body: { ...cli, reason: 'x' },
    status: 409,
    answer: error(409, 'cannot stop job in state Completed', '', 'Bacalhau'),
  },
  {
    name: 'stopping a failed job changes nothing',
    route: STOP,
    path: path(`${FAILED}?reason=None`),
    body: {},
    answer: { EvaluationID: '' },
  },
  {
    name: 'stopping a stopped job changes nothing',
    route: STOP,
    path: path('twice?reason=x'),
    answer: { EvaluationID: '' },
  },
  {
    name: 'stopping no job',
    route: STOP,
    path: path('x'),
    status: 404,
    answer: error(404, 'job not found: x', 'NotFound', 'JobStore'),
  },

  {
    name: 'running a job again',
    route: RERUN,
    path: path('hello/rerun'),
    body: { ...cli, JobVersion: 0, Reason: '' },
    shows: ['id', 'JobVersion', 'Reason', 'Namespace'],
    models: { RerunAnswer: '' },
    answer: reran,
  },
  {
    name: 'running an old version again',
    route: RERUN,
    path: path('twice/rerun'),
    body: { JobVersion: 1 },
    answer: { ...(reran as object), JobID: 'j-33333333-6f0a-4d1e-9d51-0c2f6f3a7b13', JobVersion: 3 },
  },
  {
    name: 'running a job again that waits',
    route: RERUN,
    path: path(`${BUSY}/rerun`),
    status: 409,
    answer: {
      ...(error(409, 'cannot rerun job in state Pending', '', 'Bacalhau') as object),
      Hint: 'try to use the job run command instead of the job rerun command',
    },
  },
  {
    name: 'running no job again',
    route: RERUN,
    path: path('x/rerun'),
    body: {},
    status: 400,
    answer: error(400, 'job not found: x', 'BadRequest', 'JobStore'),
  },
  {
    name: 'running a version again that there is not',
    route: RERUN,
    path: path('hello/rerun'),
    body: { JobVersion: 7 },
    status: 400,
    answer: error(400, `job version 7 not found for job ${HELLO}`, 'BadRequest', 'JobStore'),
  },

  {
    name: 'a submission that changes nothing',
    route: DIFF,
    body: { ...cli, Job: same },
    shows: ['Job'],
    models: { DiffAnswer: '' },
    answer: { Diff: '', Warnings: null },
  },
  {
    name: 'a submission that changes something',
    route: DIFF,
    body: { Job: { ...same, Count: 3 } },
    answer: { Diff: containing('-  \\"Count\\": 1,\\n+  \\"Count\\": 3,'), Warnings: null },
  },
  {
    name: 'comparing with no job',
    route: DIFF,
    body: { Job: { ...same, Name: 'nobody' } },
    status: 404,
    answer: error(404, 'job name index not found: nobody:default', 'NotFound', 'JobStore'),
  },
  {
    name: 'comparing without a name',
    route: DIFF,
    body: { Job: { ...same, Name: ' ' } },
    status: 400,
    answer: error(400, 'invalid job spec: name is missing', 'InternalError', 'APIServer'),
  },
  {
    name: 'comparing nothing',
    route: DIFF,
    body: {},
    status: 400,
    answer: error(400, 'empty/nil job', 'InternalError', 'APIServer'),
  },
  {
    name: 'comparing what is not valid',
    route: DIFF,
    body: { Job: { Name: 'twice' } },
    status: 400,
    answer: error(400, 'missing job type\nmissing job tasks', 'InternalError', 'APIServer'),
  },
  // Last, as others need the job as it is.
  {
    name: 'stopping a job',
    route: STOP,
    path: path('busy?namespace=x'),
    body: { ...cli, Namespace: 'busy', reason: 'Stopped at user request' },
    shows: ['id', 'namespace', 'Namespace', 'reason'],
    models: { StopAnswer: '' },
    answer: { EvaluationID: uuid },
  },
];
