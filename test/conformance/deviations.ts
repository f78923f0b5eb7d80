import { behaviour } from './deviations-of-behaviour.ts';

/** Where Shoal differs from the reference, and why. What is not named here is served as the reference says. */
export interface Deviation {
  /** A route, `route ?parameter`, `route body field` or `Model.field` of `reference.ts`; or a behaviour in words. */
  readonly item: string;
  readonly verdict: 'better' | 'no';
  readonly reason: string;
  /** A case of the table, or `file › part of a test's name`. */
  readonly test?: string;
}

const KEPT = 'every field of a job is kept';

export const deviations: readonly Deviation[] = [
  // Routes.
  {
    item: 'GET /orchestrator/jobs/{id}/logs',
    verdict: 'better',
    reason: 'the same frames and close codes, and the log outlives its node',
    test: 'test/e2e/logs.e2e.ts › every reader gets every line once, in order, and the log is the same with the agent gone',
  },
  {
    item: '/logs without an upgrade',
    verdict: 'better',
    reason: 'the log as plain text, streamed, in ranges where stored; also by execution. Bacalhau answers 400',
    test: 'test/workerd/log-text.workerd.test.ts › is what was printed, of both streams or of one, by job and by execution',
  },
  {
    item: 'following a job that waits',
    verdict: 'better',
    reason: 'stays open and delivers when the job runs; Bacalhau says that there are no executions',
    test: 'test/workerd/log-text.workerd.test.ts › gets its log once it runs, over a WebSocket and as text',
  },
  {
    item: 'the log of a job that failed or was stopped',
    verdict: 'better',
    reason: 'had without an execution id, and `RunOutput` of a cancelled execution holds what was printed',
    test: 'test/workerd/log-text.workerd.test.ts › is had without the execution’s id after a stop, with RunOutput',
  },
  {
    item: 'the log of a job that ended without having run',
    verdict: 'better',
    reason: 'says why it did not run; Bacalhau speaks of an execution without an id that it cannot find',
    test: 'test/e2e/logs.e2e.ts › of a command that does not exist is the reason, also for who follows',
  },
  {
    item: 'an open log whose token ends',
    verdict: 'better',
    reason: 'ends within a few seconds of it, and says why; Bacalhau looks at the token once',
    test: 'test/workerd/log-readers.workerd.test.ts › and says so; other readers read on',
  },
  {
    item: '* /requester/*',
    verdict: 'better',
    reason: '410 with the new path where later servers say 404: old scripts learn what to change',
    test: 'the old API is gone',
  },

  {
    item: 'a submission that changes nothing, of a job that has ended',
    verdict: 'better',
    reason:
      'runs again as a new version, with a warning, where 1.9 refuses; while the job is active it is 409. A resend is safe by its idempotency token',
    test: 'src/core/batch.test.ts › that asks for the same and is',
  },
  {
    item: 'a submission of another Type under the name of a job',
    verdict: 'better',
    reason: '400 that names both types; the reference keeps the old type without a word',
    test: 'src/core/kinds/kinds.test.ts › is refused, and changes nothing',
  },
  {
    item: 'an execution that TotalTimeout ended',
    verdict: 'better',
    reason: 'is Failed with the reason, not Cancelled',
    test: 'src/core/batch.test.ts › is Failed, whatever its agent says',
  },
  {
    item: 'history of an update',
    verdict: 'better',
    reason:
      'the stops of the old executions belong to the new version: a client that waits for its first execution event does not hang, also with Count 0',
    test: 'src/core/batch.test.ts › an update stops the old executions in the history of the new version',
  },
  {
    item: 'State.Message of an ops or daemon job that failed',
    verdict: 'better',
    reason: 'names what its executions said, by node',
    test: 'src/core/kinds/kinds.test.ts › an ops job: by cause, the most common first',
  },

  {
    item: 'a submission that no connected node could take',
    verdict: 'better',
    reason:
      '200 with the reason in Warnings, by group of nodes, ten lines at most; the same is told in history as an error with a hint. The reference says nothing until it gives up',
    test: 'src/core/placement/unplaceable.test.ts › by group of nodes, ten lines at most',
  },

  // Parameters and fields.
  {
    item: 'DELETE /orchestrator/jobs/{id} ?reason',
    verdict: 'better',
    reason:
      'counts when the body names none: browsers and SDKs send the query; `None`, as the Python SDK writes that there is none, is none',
    test: 'src/http/routes/jobs.test.ts › takes the reason from the query',
  },
  {
    item: 'GET /orchestrator/jobs ?order_by',
    verdict: 'better',
    reason: 'an unknown order is 400 and names the allowed ones, not 500',
    test: 'an order that there is not',
  },
  {
    item: 'GET /orchestrator/jobs ?limit',
    verdict: 'better',
    reason: '0 means a page of 1,000 with a token, not everything: memory stays bounded',
    test: 'src/http/routes/jobs.test.ts › pages of jobs',
  },
  {
    item: 'GET /orchestrator/jobs ?next_token',
    verdict: 'better',
    reason: 'names the last row, not an offset: jobs that arrive shift no page',
    test: 'jobs after a page',
  },
  {
    item: 'GET /orchestrator/jobs/{id}/history ?limit',
    verdict: 'better',
    reason: 'at most 1,000 a page',
    test: 'a page of history',
  },
  {
    item: 'GET /orchestrator/jobs/{id}/history ?execution_id',
    verdict: 'better',
    reason: 'a prefix also works at the end of the log',
    test: 'history of an execution by a short id',
  },
  {
    item: 'GET /orchestrator/jobs/{id}/executions ?limit',
    verdict: 'better',
    reason: 'at most 10,000',
    test: 'executions as the Python SDK asks',
  },
  {
    item: 'GET /orchestrator/nodes ?filter_approval',
    verdict: 'better',
    reason: 'the published Python client’s spelling counts too',
    test: 'nodes by approval as the Python client asks',
  },
  {
    item: 'PUT /orchestrator/nodes/{id} body Action',
    verdict: 'better',
    reason: 'an unknown action is 400 and names the allowed ones, not 500; drain and resume beside Bacalhau’s',
    test: 'an action that there is not',
  },
  {
    item: 'PUT /orchestrator/jobs body IdempotencyToken',
    verdict: 'better',
    reason: 'the same submission for 24 h, where Bacalhau ignores it; also as header Idempotency-Key',
    test: 'test/workerd/idempotency.workerd.test.ts › makes one job of a thousand submits at once',
  },
  {
    item: 'POST /auth/{method} body MethodData',
    verdict: 'better',
    reason:
      'unreadable data is 400, not 500; the phrase changes every ten minutes, so that a signature seen once is no key for ever',
    test: 'a login that cannot be read',
  },
  {
    item: 'GET /agent/config',
    verdict: 'better',
    reason: 'what is in force; settings of Shoal’s own are below `Shoal`, by the names of their variables',
    test: 'src/http/access-settings.test.ts › what is in force is shown',
  },
  {
    item: 'GET /orchestrator/jobs/{id}/results',
    verdict: 'no',
    reason: 'an empty list: nothing is published yet',
    test: 'results of a job that published nothing',
  },
  ...stored(
    [
      'Submitted.Tasks[].InputSources[].Source',
      'Submitted.Tasks[].InputSources[].Alias',
      'Submitted.Tasks[].InputSources[].Target',
    ],
    'nodes offer `inline` alone, so a job with another source waits and says so',
  ),
  ...stored(
    ['Submitted.Tasks[].ResultPaths[].Name', 'Submitted.Tasks[].ResultPaths[].Path'],
    'nodes decline a task that has them, so the job waits and says so',
  ),
  ...stored(['Job.Tasks[].Publisher.Type'], 'nodes offer `noop` alone, so a job with another one waits and says so'),
  {
    item: 'Execution.PublishedResult.Type',
    verdict: 'no',
    reason: 'always empty: nothing is published yet',
  },
  {
    item: 'Execution.Job',
    verdict: 'no',
    reason:
      'a snapshot of the job in each row repeats its specification up to 10,000 times; no stock client reads it, and `jobs/{id}?job_version=` shows the same',
  },
  { item: 'Job.State.Details', verdict: 'no', reason: 'nothing writes details of a job’s state; the history has them' },
  {
    item: 'Execution.DesiredState.Message',
    verdict: 'better',
    reason: 'says why an execution is stopped',
    test: 'src/core/batch.test.ts › ends the job at once and its execution when the agent says so',
  },
  {
    item: 'Execution.ComputeState.Details',
    verdict: 'no',
    reason: 'left out when empty, which it always is; the history has the details of each event',
  },
  {
    item: 'Execution.AllocatedResources.Tasks.GPUs',
    verdict: 'no',
    reason: 'agents report how many GPUs there are, not which',
  },
  {
    item: 'NodeState.ConnectionState.LastComputeSeqNum',
    verdict: 'no',
    reason: 'left out, as the reference does for 0: Shoal’s protocol has no such numbers',
  },
  {
    item: 'NodeState.ConnectionState.LastOrchestratorSeqNum',
    verdict: 'no',
    reason: 'left out, as the reference does for 0: Shoal’s protocol has no such numbers',
  },

  ...behaviour,
];

/** Fields that come back as they were sent, and do nothing. */
function stored(items: readonly string[], what: string): Deviation[] {
  return items.map((item) => ({ item, verdict: 'no', reason: `stored, not acted on yet: ${what}`, test: KEPT }));
}
