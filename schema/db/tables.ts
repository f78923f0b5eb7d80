import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { computeStates, connections, desiredStates, eventTypes, jobStates, jobTypes, memberships } from '../states.ts';
import { failureClasses } from '../records.ts';
import { credentialKinds } from '../credentials.ts';

/**
 * Every durable fact. `*_at` columns of type EpochUs are microseconds, of type EpochMs milliseconds (see `ids.ts`).
 * The hot path writes them through `json_each` statements in `src/store`; a test holds both to the same columns.
 */

/** One row a cell: which Scheduler may write, and what it committed last. */
export const fence = sqliteTable('fence', {
  cell: text('cell').primaryKey(),
  epoch: integer('epoch').notNull(),
  commitSeq: integer('commit_seq').notNull(),
  /** Random per batch: tells after an unknown outcome whether the batch was committed. */
  commitId: text('commit_id').notNull(),
  /** EpochMs of the earliest deadline; 0 when there is none. */
  nextWake: integer('next_wake').notNull(),
  /** EpochUs of the last row time handed out: time never goes back, also over a restart. */
  clock: integer('clock').notNull(),
  /** JSON of `Reservations`; empty for none. */
  reservations: text('reservations').notNull().default(''),
});

export const jobs = sqliteTable(
  'jobs',
  {
    id: text('id').primaryKey(),
    cell: text('cell').notNull(),
    namespace: text('namespace').notNull(),
    name: text('name').notNull(),
    type: text('type', { enum: jobTypes }).notNull(),
    priority: integer('priority').notNull(),
    count: integer('count').notNull(),
    /** JSON of `Needs`: what placement must know, without the specification. */
    needs: text('needs').notNull(),
    /** Of the specification without reserved Meta keys: equal hashes mean that an update changes nothing. */
    specHash: text('spec_hash').notNull(),
    state: text('state', { enum: jobStates }).notNull(),
    stateMessage: text('state_message').notNull(),
    version: integer('version').notNull(),
    revision: integer('revision').notNull(),
    eventSeq: integer('event_seq').notNull(),
    versionAt: integer('version_at').notNull(),
    waitingSince: integer('waiting_since'),
    /** JSON of `Told`; empty for null. */
    told: text('told').notNull().default(''),
    /** 1 while the Scheduler must know the job: not terminal, or some execution has not ended. */
    active: integer('active').notNull(),
    createdAt: integer('created_at').notNull(),
    modifiedAt: integer('modified_at').notNull(),
  },
  (t) => [
    uniqueIndex('jobs_by_name').on(t.namespace, t.name),
    index('jobs_by_creation').on(t.createdAt, t.id),
    index('jobs_by_modification').on(t.modifiedAt, t.id),
    index('jobs_by_namespace_creation').on(t.namespace, t.createdAt, t.id),
    index('jobs_by_namespace_modification').on(t.namespace, t.modifiedAt, t.id),
    index('jobs_active').on(t.cell, t.active, t.id),
    index('jobs_by_namespace_id').on(t.namespace, t.id),
  ],
);

/** The labels of each job's current version, so that selectors search an index. */
export const jobLabels = sqliteTable(
  'job_labels',
  {
    jobId: text('job_id').notNull(),
    key: text('key').notNull(),
    value: text('value').notNull(),
    /** Of the job: lists by label are in its order. */
    createdAt: integer('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.jobId, t.key] }),
    index('job_labels_by_value').on(t.key, t.value, t.createdAt, t.jobId),
    index('job_labels_by_key').on(t.key, t.createdAt, t.jobId),
  ],
);

/** The specification of each version, apart from `jobs` so that its rows stay small. */
export const jobVersions = sqliteTable(
  'job_versions',
  {
    jobId: text('job_id').notNull(),
    version: integer('version').notNull(),
    /** JSON of `JobSpec`. */
    spec: text('spec').notNull(),
    createdAt: integer('created_at').notNull(),
    /** How the job stood when this version was superseded; null for the current one. */
    state: text('state', { enum: jobStates }),
    stateMessage: text('state_message'),
    revision: integer('revision'),
    modifiedAt: integer('modified_at'),
  },
  (t) => [primaryKey({ columns: [t.jobId, t.version] })],
);

export const executions = sqliteTable(
  'executions',
  {
    id: text('id').primaryKey(),
    cell: text('cell').notNull(),
    namespace: text('namespace').notNull(),
    jobId: text('job_id').notNull(),
    jobVersion: integer('job_version').notNull(),
    partition: integer('partition').notNull(),
    nodeId: text('node_id').notNull(),
    evalId: text('eval_id').notNull(),
    computeState: text('compute_state', { enum: computeStates }).notNull(),
    computeMessage: text('compute_message').notNull(),
    desiredState: text('desired_state', { enum: desiredStates }).notNull(),
    desiredMessage: text('desired_message').notNull(),
    failureClass: text('failure_class', { enum: failureClasses }),
    fenced: integer('fenced').notNull(),
    /** JSON of `Resources`. */
    resources: text('resources').notNull(),
    lastSeq: integer('last_seq').notNull(),
    runningSince: integer('running_since'),
    /** JSON of `RunOutput`; null until the task has ended. */
    output: text('output'),
    /** JSON of `Phases`; null until the task has ended. */
    phases: text('phases'),
    revision: integer('revision').notNull(),
    /** 1 while the compute state is not terminal: the execution is charged to its node. */
    open: integer('open').notNull(),
    createdAt: integer('created_at').notNull(),
    modifiedAt: integer('modified_at').notNull(),
  },
  (t) => [
    index('executions_by_job').on(t.jobId, t.jobVersion, t.createdAt),
    index('executions_open').on(t.cell, t.open, t.id),
  ],
);

/** The history of a job. */
export const events = sqliteTable(
  'events',
  {
    jobId: text('job_id').notNull(),
    seq: integer('seq').notNull(),
    type: text('type', { enum: eventTypes }).notNull(),
    jobVersion: integer('job_version').notNull(),
    executionId: text('execution_id').notNull(),
    topic: text('topic').notNull(),
    message: text('message').notNull(),
    /** JSON object of strings. */
    details: text('details').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.jobId, t.seq] })],
);

export const nodes = sqliteTable('nodes', {
  id: text('id').primaryKey(),
  cell: text('cell').notNull(),
  membership: text('membership', { enum: memberships }).notNull(),
  connection: text('connection', { enum: connections }).notNull(),
  /** 1 while the node gets no new work; what runs there ends in its own time. */
  draining: integer('draining').notNull().default(0),
  /** EpochMs at which the identity was deleted; 0 while it stands. The row stays, so that it cannot come back. */
  deletedAt: integer('deleted_at').notNull().default(0),
  /** JSON of `NodeInfo`. */
  info: text('info').notNull(),
  lastError: text('last_error').notNull(),
  connectedAt: integer('connected_at').notNull(),
  disconnectedAt: integer('disconnected_at').notNull(),
  createdAt: integer('created_at').notNull(),
  modifiedAt: integer('modified_at').notNull(),
});

/** Commands that were answered, by the id that the Worker made: the same command again gets the same answer. */
export const commands = sqliteTable(
  'commands',
  {
    id: text('id').primaryKey(),
    cell: text('cell').notNull(),
    jobId: text('job_id').notNull(),
    /** JSON of the answer. */
    answer: text('answer').notNull(),
    /** EpochMs after which the row may go. */
    expiresAt: integer('expires_at').notNull(),
    /** The client's own token with what it was sent for; null when it sent none. */
    namespace: text('namespace'),
    token: text('token'),
    requestHash: text('request_hash'),
  },
  (t) => [
    index('commands_by_expiry').on(t.cell, t.expiresAt),
    // Most commands bring no token and cost the index nothing.
    uniqueIndex('commands_by_token')
      .on(t.namespace, t.token)
      .where(sql`token IS NOT NULL`),
  ],
);

/** One row, made by the migration: who this installation is. */
export const installation = sqliteTable('installation', {
  id: integer('id').primaryKey(),
  /** How the orchestrator names itself, among the nodes and in the Meta of jobs. No agent may take this id. */
  nodeId: text('node_id').notNull(),
});

/** Who may call in closed mode. Secrets are stored as hashes alone. */
export const credentials = sqliteTable(
  'credentials',
  {
    id: text('id').primaryKey(),
    kind: text('kind', { enum: credentialKinds }).notNull(),
    name: text('name').notNull(),
    /** What a request is looked up by: a secret's SHA-256, a user's name in lower case, a public key's client id. */
    lookup: text('lookup').notNull(),
    /** `pbkdf2-sha256$<rounds>$<salt>$<hash>` of a user's password; else empty. */
    verifier: text('verifier').notNull(),
    /** The last characters of a key, by which its owner knows it; else empty. */
    ending: text('ending').notNull(),
    /** The public key that a session was opened with: revoking it ends its sessions. Else empty. */
    parent: text('parent').notNull(),
    /** JSON array. */
    capabilities: text('capabilities').notNull(),
    /** JSON array; `*` means all. */
    namespaces: text('namespaces').notNull(),
    /** EpochMs. */
    createdAt: integer('created_at').notNull(),
    /** EpochMs; 0 when it never expires. */
    expiresAt: integer('expires_at').notNull(),
  },
  (t) => [
    uniqueIndex('credentials_by_lookup').on(t.kind, t.lookup),
    index('credentials_by_parent').on(t.parent),
    index('credentials_by_expiry').on(t.expiresAt),
  ],
);
