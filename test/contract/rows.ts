import type { EvaluationId, ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import type { JobSpec } from '../../schema/job/job.ts';
import {
  NO_RESERVATIONS,
  type EventRecord,
  type ExecutionRecord,
  type JobRecord,
  type NodeRecord,
} from '../../schema/records.ts';
import type { Changes, CommandRow, ExecutionWrite, NewVersion } from '../../src/core/turn.ts';
import type { Batch, FenceRow } from '../../src/store/store.ts';

/** Rows with everything filled in; a test names what it is about. */

export const CELL = 'cell-0';
export const NOW = 1_800_000_000_000;

export const jobId = (n: number): JobId => `j-${uuid(n)}` as JobId;
export const executionId = (n: number): ExecutionId => `e-${uuid(n)}` as ExecutionId;

export function job(n: number, more: Partial<JobRecord> = {}): JobRecord {
  return {
    id: jobId(n),
    cell: CELL,
    namespace: 'default',
    name: `job-${n}`,
    type: 'batch',
    priority: 3,
    count: 2,
    needs: {
      engine: 'docker',
      publisher: '',
      sources: ['urlDownload'],
      constraints: [{ Key: 'zone', Operator: 'in', Values: ['a', 'ü'] }],
      taskName: 'main',
      resources: { cpu: 0.1, memory: 1e9, disk: 0, gpu: 1 },
      executionTimeoutMs: 0,
      queueTimeoutMs: null,
      totalTimeoutMs: 60_000,
    },
    specHash: 'hash',
    state: 'Running',
    stateMessage: 'it\'s "running"\n',
    version: 1,
    revision: 2,
    eventSeq: 1,
    versionAt: NOW,
    waitingSince: null,
    told: null,
    createdAt: NOW * 1000 + n,
    modifiedAt: NOW * 1000 + n,
    ...more,
  };
}

export function execution(n: number, of: number, more: Partial<ExecutionRecord> = {}): ExecutionRecord {
  return {
    id: executionId(n),
    cell: CELL,
    namespace: 'default',
    jobId: jobId(of),
    jobVersion: 1,
    partition: 0,
    nodeId: 'n-1' as NodeId,
    evalId: 'v-1' as EvaluationId,
    computeState: 'Running',
    computeMessage: '',
    desiredState: 'Running',
    desiredMessage: '',
    failureClass: null,
    fenced: false,
    resources: { cpu: 0.1, memory: 1e9, disk: 0, gpu: 1 },
    lastSeq: 1,
    runningSince: NOW,
    revision: 1,
    createdAt: NOW * 1000 + n,
    modifiedAt: NOW * 1000 + n,
    ...more,
  };
}

export function node(id: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id: id as NodeId,
    cell: CELL,
    membership: 'APPROVED',
    connection: 'CONNECTED',
    draining: true,
    deletedAt: 0,
    info: {
      agentVersion: '1',
      os: 'linux',
      arch: 'amd64',
      labels: { zone: 'a' },
      engines: ['docker'],
      publishers: [],
      sources: [],
      capacity: { cpu: 2.5, memory: 1e10, disk: 0, gpu: 1 },
    },
    lastError: '',
    connectedAt: NOW,
    disconnectedAt: 0,
    createdAt: NOW * 1000,
    modifiedAt: NOW * 1000,
    ...more,
  };
}

export function event(of: number, seq: number): EventRecord {
  return {
    jobId: jobId(of),
    seq,
    type: 'JobLevel',
    jobVersion: 1,
    executionId: '',
    topic: 'Submission',
    message: 'Job submitted',
    details: { a: 'b' },
    createdAt: NOW * 1000,
  };
}

export function command(id: string, more: Partial<CommandRow> = {}): CommandRow {
  const none = { namespace: null, token: null, requestHash: null };
  return { id, subject: jobId(1), answer: `{"of":"${id}"}`, expiresAt: NOW + 1_000, ...none, ...more };
}

export function version(of: number, v: number, name: string): NewVersion {
  const spec: JobSpec = {
    Name: name,
    Namespace: 'default',
    Type: 'batch',
    Priority: 0,
    Count: 1,
    Constraints: [],
    Meta: {},
    Labels: {},
    Tasks: [
      {
        Name: 'main',
        Engine: { Type: 'docker' },
        Publisher: { Type: '' },
        Resources: {},
        Network: { Type: 'None' },
        Timeouts: {},
      },
    ],
  };
  return { jobId: jobId(of), version: v, spec: JSON.stringify(spec), labels: {}, createdAt: NOW * 1000 };
}

interface Written extends Pick<Changes, 'versions' | 'superseded' | 'events' | 'commands' | 'forgottenNodes'> {
  readonly jobs: readonly JobRecord[];
  readonly executions: readonly ExecutionRecord[];
  readonly nodes: readonly NodeRecord[];
  readonly inactive: readonly JobId[];
}

/** A batch that follows on a fence row. */
export function batch(fence: FenceRow, rows: Partial<Written>, more: Partial<Batch> = {}): Batch {
  const { jobs = [], executions = [], nodes = [], inactive = [], ...lists } = rows;
  const write = (e: ExecutionRecord): [ExecutionId, ExecutionWrite] => [e.id, { execution: e, output: null }];
  return {
    cell: CELL,
    epoch: fence.epoch,
    commitSeq: fence.commitSeq,
    commitId: `commit-${fence.commitSeq}`,
    nextWake: NOW + 5_000,
    clock: NOW * 1000 + 99,
    reservations: NO_RESERVATIONS,
    now: NOW,
    changes: {
      versions: [],
      superseded: [],
      events: [],
      commands: [],
      forgottenNodes: [],
      ...lists,
      jobs: new Map(jobs.map((j) => [j.id, j])),
      executions: new Map(executions.map(write)),
      nodes: new Map(nodes.map((n) => [n.id, n])),
      inactive: new Set(inactive),
    },
    prune: null,
    ...more,
  };
}

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
