/** Where Shoal differs from the reference, and why. What is not named here is served as the reference says. */
export interface Deviation {
  /** A route, `route ?parameter`, `route body field` or `Model.field` of `reference.ts`; or a behaviour in words. */
  readonly item: string;
  readonly verdict: 'better' | 'no';
  readonly reason: string;
  /** A case of the table, or `file › part of a test's name`. */
  readonly test?: string;
}

export const deviations: readonly Deviation[] = [
  // Routes.
  {
    item: 'GET /orchestrator/jobs/{id}/logs',
    verdict: 'better',
    reason: 'the same frames and close codes, and the log outlives its node',
    test: 'test/e2e/logs.e2e.ts › every reader gets every line once, in order, and the log is the same with the agent gone',
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

  // Parameters and fields.
  {
    item: 'DELETE /orchestrator/jobs/{id} ?reason',
    verdict: 'better',
    reason: 'counts when the body names none: browsers and SDKs send the query',
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

  // Behaviour.
  {
    item: 'a user’s mistake that is 500 in Bacalhau (ambiguous id, stop of a completed job, an update that changes nothing, rerun of a waiting job, a null task, results of a service)',
    verdict: 'better',
    reason: '4xx with the same body and text: the fault is the request’s',
    test: 'a beginning that several ids share',
  },
  {
    item: 'a value of the wrong type',
    verdict: 'better',
    reason: 'the message has path, what was given and what is allowed; up to ten at once',
    test: 'schema/job/validate-job.test.ts › Job.Tasks[0]: expected an object, got null',
  },
  {
    item: '`ResourcesConfig` in a task',
    verdict: 'better',
    reason: 'an alias of `Resources`: a widely used spelling',
    test: 'schema/job/parse-submission.test.ts › is stored in Bacalhau’s form',
  },
  {
    item: 'a node by its exact id',
    verdict: 'better',
    reason: 'wins over other ids that begin so',
    test: 'src/http/routes/nodes.test.ts › by its whole id, though others begin with it',
  },
  {
    item: 'nanoseconds',
    verdict: 'better',
    reason: 'exact integers, distinct and in order; their resolution is a microsecond (docs/decisions/0001)',
    test: 'a job by its name',
  },
  {
    item: 'a name with `/`',
    verdict: 'better',
    reason: 'reachable: `%2F` in a path is a slash',
    test: 'src/http/routes/jobs.test.ts › reaches a name with a slash',
  },
  {
    item: 'names longer than 255 characters, or with NUL',
    verdict: 'no',
    reason: 'refused with 400: they fit no index and no screen',
    test: 'schema/job/validate-job.test.ts › long name',
  },
  {
    item: 'constraint operators',
    verdict: 'better',
    reason: 'an unknown one is refused at submission; Bacalhau fails the job when it is scheduled',
    test: 'schema/job/validate-job.test.ts › constraint with an unknown operator',
  },
  {
    item: 'engine parameters that differ only in case, and NUL in a variable',
    verdict: 'better',
    reason: 'refused at submission: of two parameters one would be lost, and a variable would be cut off there',
    test: 'schema/job/validate-job.test.ts › engine parameters that differ only in case',
  },
  {
    item: 'specifications over 256 KiB, labels or meta over 64 KiB',
    verdict: 'no',
    reason: '413 that names the largest fields: a row of the database holds them',
    test: 'schema/job/validate-job.test.ts › a large document, naming what is large',
  },
  {
    item: '`/` for who accepts `text/html`',
    verdict: 'better',
    reason:
      'a small page that says what this is and where to go, without credentials; others are sent on to the version as before',
    test: 'src/http/routes/root.test.ts › is a page for who accepts',
  },
  {
    item: 'who may call',
    verdict: 'better',
    reason: 'closed once deployed; open only embedded, for this machine alone',
    test: 'closed: Missing Authorization header',
  },
  {
    item: 'the login of the command line in closed mode',
    verdict: 'better',
    reason: 'works beside users and keys, for registered public keys',
    test: 'test/workerd/closed.workerd.test.ts › closed: a registered key logs in, and its token outlives a restart',
  },
  {
    item: 'single sign-on (OAuth2)',
    verdict: 'no',
    reason: 'not built: keys, users and public keys only; `authconfig` says so',
    test: 'authconfig has no single sign-on',
  },
  {
    item: 'rate limit',
    verdict: 'better',
    reason: 'a setting: off when open, 1,000 requests a second of one client when closed; `alive` is never limited',
    test: 'src/http/auth/credentials.test.ts › of one client',
  },
  {
    item: 'password checks',
    verdict: 'better',
    reason: 'have a queue, and a pause for who fails: 429 with Retry-After, where wrong passwords fill the server',
    test: 'src/http/auth/password-gate.test.ts › from one address are refused with 429',
  },
  {
    item: 'JSON of more than 50,000 values, or of 1 MB without its `data:` texts',
    verdict: 'better',
    reason: '400 or 413 that says which bound, before it is parsed: one body cannot stop the server',
    test: 'src/http/bounds.test.ts › a body is looked over before it is parsed, on every route',
  },
  {
    item: 'lists of a job over 2,000 entries (tasks over 16), maps over 10,000',
    verdict: 'no',
    reason: 'refused with 400 that names the list: only one task runs, and the rest exceeds a stored specification',
    test: 'src/http/bounds.test.ts › names the list that is too long',
  },
  {
    item: 'bodies of a login or a token over 64 KiB',
    verdict: 'better',
    reason: '413 that says what is allowed: who sends them is not known yet',
    test: 'src/http/bounds.test.ts › a body is looked over before it is parsed, on every route',
  },
  {
    item: 'a Host header that is none, or two of them',
    verdict: 'better',
    reason: '400 that names it on every route and upgrade; Bacalhau takes it as it is',
    test: 'test/e2e/edge.e2e.ts › is 400 on every route and upgrade',
  },
  {
    item: 'nodes for a credential that is limited to namespaces',
    verdict: 'better',
    reason: '403: nodes serve every namespace',
    test: 'src/http/auth/authorisation.test.ts › has no say in nodes',
  },
  {
    item: 'handler time-out of 30 s',
    verdict: 'better',
    reason: '503 as JSON with Retry-After instead of bare text',
    test: 'src/http/routes/jobs.test.ts › may stay unknown',
  },
  {
    item: 'layout of `Diff`',
    verdict: 'better',
    reason: 'lines of the job’s JSON with `-`, `+` and a blank; the reference leaves it open',
    test: 'a submission that changes something',
  },
  {
    item: '/results without HTML escapes',
    verdict: 'no',
    reason: 'nothing is published yet, so there is nothing to escape',
    test: 'results of a job that published nothing',
  },
  {
    item: 'a job without a node',
    verdict: 'better',
    reason: 'waits up to 24 h and says why; `QueueTimeout` shortens it. Bacalhau fails it at once',
    test: 'src/core/batch.test.ts › waits with the reason when no node offers its engine, and starts when one does',
  },
  {
    item: 'a partition’s node',
    verdict: 'better',
    reason: 'partitions share a node when they fit, and run in waves',
    test: 'src/core/batch.test.ts › of many partitions runs in waves over the room there is',
  },
  {
    item: 'a lost node',
    verdict: 'better',
    reason: 'its work is fenced and replaced after 90 s; a late result counts while the partition is open',
    test: 'src/core/nodes.test.ts › for lease and grace: its executions are fenced and placed elsewhere in the same turn',
  },
  {
    item: 'retries',
    verdict: 'better',
    reason: 'by class of failure, with a pause that doubles, three attempts',
    test: 'src/core/batch.test.ts › of the environment is tried three times in all, each time later',
  },
  {
    item: 'a service or daemon whose task ends',
    verdict: 'better',
    reason: 'started again, with a pause that doubles to a minute; Bacalhau gives up after two on a node',
    test: 'src/core/kinds/kinds.test.ts › is kept up: what ends is started again, each time later, and never counts as done',
  },
  {
    item: 'update of a service',
    verdict: 'better',
    reason: 'one partition at a time, not all at once',
    test: 'src/core/kinds/kinds.test.ts › is updated one partition at a time, each when the one before runs',
  },
  {
    item: 'a rejected node',
    verdict: 'better',
    reason: 'is told to stop; its work goes elsewhere',
    test: 'src/core/membership.test.ts › stops what runs there, places it elsewhere, and leaves the node connected and empty',
  },
  {
    item: 'a page of jobs',
    verdict: 'better',
    reason: 'ends early where its documents exceed 8 MiB, with a token; versions leave out the oldest then',
    test: 'src/store/reads/reads.test.ts › end a page early, and the next goes on there',
  },
  {
    item: '`Job.ID` of a caller who is limited to namespaces',
    verdict: 'better',
    reason: 'ignored with a warning: which ids are taken elsewhere is not theirs to know',
    test: 'src/http/auth/credentials.test.ts › chooses no ids: which are taken is not its to know',
  },
  {
    item: 'a key `__proto__` in maps',
    verdict: 'no',
    reason: 'refused with 400: readers of JSON drop it or take it for something else',
    test: 'schema/job/parse-submission.test.ts › a key called __proto__ is refused, not lost',
  },
  {
    item: '`LastError` of a rejected node',
    verdict: 'better',
    reason: '`node rejected: <message>`: the operator’s reason is shown',
    test: 'src/core/membership.test.ts › stops what runs there, places it elsewhere, and leaves the node connected and empty',
  },
  {
    item: '`address` of a node',
    verdict: 'better',
    reason: 'the host name of its machine: nobody dials a node here, and people want to know which one it is',
    test: 'src/http/routes/nodes.test.ts › the host name of its machine as its address, or none when its agent does not say',
  },
  {
    item: '`Draining` of a node',
    verdict: 'better',
    reason: 'true while it keeps what it has and gets nothing new; absent otherwise',
    test: 'src/http/routes/nodes.test.ts › nothing of it otherwise',
  },
  {
    item: 'a Count over 100,000',
    verdict: 'no',
    reason: 'refused with 400: a job’s partitions are held in memory',
    test: 'schema/job/validate-job.test.ts › count over the limit',
  },
  {
    item: 'JSON nested deeper than 64 levels',
    verdict: 'no',
    reason: 'refused with 400 before it is parsed: no job needs it',
    test: 'schema/job/validate-job.test.ts › deep nesting',
  },
  {
    item: 'numbers of a job beyond 53 bits',
    verdict: 'no',
    reason: 'refused with 400: JSON’s readers round them',
    test: 'schema/job/validate-job.test.ts › priority beyond 53 bits',
  },
  {
    item: 'selectors of over 20 requirements or 4,096 characters',
    verdict: 'no',
    reason: 'refused with 400: each requirement is a search of its own',
    test: 'schema/selector.test.ts › what is longer than any selector needs is refused',
  },
  {
    item: '`X-Request-Id` over 256 characters',
    verdict: 'no',
    reason: 'cut: it goes into every line of the log',
    test: 'src/http/app.test.ts › cut a long id of the request',
  },
  {
    item: '`GitCommit` of the version',
    verdict: 'no',
    reason: 'the first 12 digits of the release’s commit: no client reads more than its presence',
    test: 'version',
  },
];
