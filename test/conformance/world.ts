import { seedEvent, seedExecution, seedJob, seedNode } from '../fakes/seed.ts';
import type { Pattern } from './pattern.ts';

/** The rows that the cases find. */

export const ORCHESTRATOR = 'n-0c0c0c0c-1111-4222-8333-444455556666';
/** Completed; its execution wrote to stdout and exited with 7. */
export const HELLO = 'j-2b1c5f2e-6f0a-4d1e-9d51-0c2f6f3a7b11';
/** Of another namespace; begins as HELLO does. */
export const FOREIGN = 'j-2b1c0000-6f0a-4d1e-9d51-0c2f6f3a7b12';
/** Two versions, stopped. */
export const TWICE = 'j-33333333-6f0a-4d1e-9d51-0c2f6f3a7b13';
export const SERVICE = 'j-44444444-6f0a-4d1e-9d51-0c2f6f3a7b14';
export const FAILED = 'j-55555555-6f0a-4d1e-9d51-0c2f6f3a7b15';
/** Has not ended. */
export const BUSY = 'j-66666666-6f0a-4d1e-9d51-0c2f6f3a7b16';
export const EXECUTION = 'e-77aa0a0e-5a5b-4a57-9a7e-1a6f5a1c9b3d';
export const NODE = 'n-5e0f1d22-1111-4222-8333-444455556666';
export const PENDING_NODE = 'n-5e0f9999-1111-4222-8333-444455556666';

type Insert = (table: string, row: Readonly<Record<string, string | number | null>>) => void;

/** Hands out every row of the world; the installation's own row is changed apart. */
export function seedWorld(insert: Insert): void {
  const rows = { insert };
  const at = 1_763_633_472_123_456;
  const labels = { team: 'blue', size: '5' };
  seedJob(rows, {
    id: HELLO,
    name: 'hello',
    state: 'Completed',
    stateMessage: 'done',
    active: 0,
    labels,
    createdAt: at,
  });
  seedJob(rows, { id: FOREIGN, name: 'other', namespace: 'team', state: 'Failed', active: 0, createdAt: at + 1 });
  seedJob(rows, { id: TWICE, name: 'twice', version: 2, state: 'Stopped', active: 0, createdAt: at + 2 });
  seedJob(rows, { id: SERVICE, name: 'web', type: 'service', state: 'Stopped', active: 0, createdAt: at + 3 });
  seedJob(rows, { id: FAILED, name: 'failed', state: 'Failed', active: 0, createdAt: at + 4 });
  seedJob(rows, { id: BUSY, name: 'busy', state: 'Pending', namespace: 'busy', active: 0, createdAt: at + 5 });
  const output = {
    stdout: 'hi <you>\n',
    stdoutTruncated: false,
    stderr: '',
    stderrTruncated: false,
    exitCode: 7,
    errorMessage: '',
  };
  seedExecution(rows, {
    id: EXECUTION,
    jobId: HELLO,
    nodeId: NODE,
    computeState: 'Completed',
    open: 0,
    output,
    partition: 2,
  });
  seedEvent(rows, { jobId: HELLO, seq: 1, createdAt: 1_763_633_472_100_000 });
  const details = { NodeID: NODE };
  seedEvent(rows, { jobId: HELLO, seq: 2, executionId: EXECUTION, details, createdAt: 1_763_633_473_000_000 });
  seedEvent(rows, { jobId: BUSY, seq: 1 });
  seedNode(rows, { id: NODE, connection: 'DISCONNECTED' });
  seedNode(rows, {
    id: PENDING_NODE,
    membership: 'PENDING',
    connection: 'DISCONNECTED',
    lastError: 'connection lost',
    labels: { os_type: 'plan9' },
  });
}

interface JobFields {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly namespace?: string;
  readonly type?: string;
  readonly message?: string;
  readonly version?: number;
  readonly revision?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

const task: Pattern = {
  Name: 'main',
  Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['echo', 'a<b&c'] } },
  Publisher: { Type: '' },
  Resources: { CPU: '500m', Memory: '512mb' },
  Network: { Type: 'Default' },
  Timeouts: {},
};

/** A job of the world as the reference shows it; times are checked by their form. */
export function job(fields: JobFields, times: { create: Pattern; modify: Pattern }): Pattern {
  return {
    ID: fields.id,
    Name: fields.name,
    Namespace: fields.namespace ?? 'default',
    Type: fields.type ?? 'batch',
    Priority: 0,
    Count: 1,
    Constraints: [],
    Meta: {},
    Labels: fields.labels ?? {},
    Tasks: [task],
    State: { StateType: fields.state, ...(fields.message !== undefined && { Message: fields.message }) },
    Version: fields.version ?? 1,
    Revision: fields.revision ?? 3,
    CreateTime: times.create,
    ModifyTime: times.modify,
  };
}

export const execution = (times: { create: Pattern; modify: Pattern }): Pattern => ({
  ID: EXECUTION,
  Namespace: 'default',
  EvalID: 'eval',
  Name: '',
  NodeID: NODE,
  JobID: HELLO,
  JobVersion: 1,
  PartitionIndex: 2,
  AllocatedResources: { Tasks: { main: { CPU: 0.5, Memory: 512_000_000 } } },
  DesiredState: { StateType: 1 },
  ComputeState: { StateType: 9 },
  PublishedResult: { Type: '' },
  RunOutput: {
    Stdout: 'hi <you>\n',
    StdoutTruncated: false,
    stderr: '',
    StderrTruncated: false,
    ExitCode: 7,
    ErrorMsg: '',
  },
  PreviousExecution: '',
  NextExecution: '',
  FollowupEvalID: '',
  Revision: 1,
  CreateTime: times.create,
  ModifyTime: times.modify,
});

export const events: Pattern = [
  {
    SeqNum: 1,
    Type: 'JobLevel',
    JobID: HELLO,
    JobVersion: 1,
    Event: { Message: 'Job submitted', Topic: 'Submission', Timestamp: '2025-11-20T10:11:12.1Z' },
    Time: '2025-11-20T10:11:12.1Z',
  },
  {
    SeqNum: 2,
    Type: 'ExecutionLevel',
    JobID: HELLO,
    JobVersion: 1,
    ExecutionID: EXECUTION,
    Event: {
      Message: 'Job submitted',
      Topic: 'Submission',
      Timestamp: '2025-11-20T10:11:13Z',
      Details: { NodeID: NODE },
    },
    Time: '2025-11-20T10:11:13Z',
  },
];
