import type { JobSpec } from '../../schema/job/job.ts';
import { needsOf } from '../../schema/job/needs.ts';
import type { JobType } from '../../schema/states.ts';

/** What takes the rows; a fake of D1, or what writes to a real one. */
interface Rows {
  insert(table: string, row: Readonly<Record<string, string | number | null>>): void;
}

/** Rows with everything filled in; a test names what it is about. */

const HELLO: JobSpec = {
  Name: 'hello',
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
      Engine: { Type: 'docker', Params: { Image: 'busybox', Entrypoint: ['echo', 'a<b&c'] } },
      Publisher: { Type: '' },
      Resources: { CPU: '500m', Memory: '512mb' },
      Network: { Type: 'Default' },
      Timeouts: {},
    },
  ],
};

interface JobSeed {
  id: string;
  name?: string;
  namespace?: string;
  type?: JobType;
  state?: string;
  stateMessage?: string;
  /** 1 while the Scheduler must know the job. */
  active?: 0 | 1;
  version?: number;
  labels?: Record<string, string>;
  createdAt?: number;
  modifiedAt?: number;
  /** Of the specification. */
  meta?: Record<string, string>;
}

export function seedJob(db: Rows, seed: JobSeed): void {
  const { id, name = id, namespace = 'default', state = 'Running', version = 1, labels = {} } = seed;
  const createdAt = seed.createdAt ?? 1_763_633_472_123_456;
  const spec: JobSpec = {
    ...HELLO,
    Type: seed.type ?? 'batch',
    Name: name,
    Namespace: namespace,
    Labels: labels,
    ...(seed.meta !== undefined && { Meta: seed.meta }),
  };
  db.insert('jobs', {
    id,
    cell: 'cell-0',
    namespace,
    name,
    type: seed.type ?? 'batch',
    priority: 0,
    count: 1,
    needs: JSON.stringify(needsOf(spec)),
    spec_hash: 'hash',
    state,
    state_message: seed.stateMessage ?? '',
    version,
    revision: 3,
    event_seq: 0,
    version_at: 0,
    active: seed.active ?? 1,
    created_at: createdAt,
    modified_at: seed.modifiedAt ?? createdAt + 1_000_001,
  });
  for (const [key, value] of Object.entries(labels)) {
    db.insert('job_labels', { job_id: id, key, value, created_at: createdAt });
  }
  for (let v = 1; v <= version; v++) {
    const old =
      v < version ? { state: 'Stopped', state_message: 'superseded', revision: 2, modified_at: createdAt } : {};
    db.insert('job_versions', { job_id: id, version: v, spec: JSON.stringify(spec), created_at: createdAt, ...old });
  }
}

interface ExecutionSeed {
  id: string;
  jobId: string;
  nodeId?: string;
  namespace?: string;
  jobVersion?: number;
  partition?: number;
  computeState?: string;
  open?: 0 | 1;
  /** Given up, for this reason. */
  fencedFor?: string;
  output?: Record<string, unknown> | null;
  createdAt?: number;
}

export function seedExecution(db: Rows, seed: ExecutionSeed): void {
  db.insert('executions', {
    id: seed.id,
    cell: 'cell-0',
    namespace: seed.namespace ?? 'default',
    job_id: seed.jobId,
    job_version: seed.jobVersion ?? 1,
    partition: seed.partition ?? 0,
    node_id: seed.nodeId ?? 'n-one',
    eval_id: 'eval',
    compute_state: seed.computeState ?? 'Running',
    compute_message: '',
    desired_state: seed.fencedFor === undefined ? 'Running' : 'Stopped',
    desired_message: seed.fencedFor ?? '',
    fenced: seed.fencedFor === undefined ? 0 : 1,
    resources: JSON.stringify({ cpu: 0.5, memory: 512_000_000, disk: 0, gpu: 0 }),
    last_seq: 0,
    output: seed.output === undefined || seed.output === null ? null : JSON.stringify(seed.output),
    revision: 1,
    open: seed.open ?? 1,
    created_at: seed.createdAt ?? 1_763_633_472_200_000,
    modified_at: (seed.createdAt ?? 1_763_633_472_200_000) + 1,
  });
}

interface EventSeed {
  jobId: string;
  seq: number;
  jobVersion?: number;
  executionId?: string;
  details?: Record<string, string>;
  createdAt?: number;
}

export function seedEvent(db: Rows, seed: EventSeed): void {
  const executionId = seed.executionId ?? '';
  db.insert('events', {
    job_id: seed.jobId,
    seq: seed.seq,
    type: executionId === '' ? 'JobLevel' : 'ExecutionLevel',
    job_version: seed.jobVersion ?? 1,
    execution_id: executionId,
    topic: 'Submission',
    message: 'Job submitted',
    details: JSON.stringify(seed.details ?? {}),
    created_at: seed.createdAt ?? 1_763_633_472_123_400 + seed.seq,
  });
}

interface NodeSeed {
  id: string;
  membership?: string;
  connection?: string;
  lastError?: string;
  draining?: boolean;
  hostname?: string;
  labels?: Record<string, string>;
}

export function seedNode(db: Rows, seed: NodeSeed): void {
  db.insert('nodes', {
    id: seed.id,
    cell: 'cell-0',
    membership: seed.membership ?? 'APPROVED',
    connection: seed.connection ?? 'CONNECTED',
    draining: seed.draining === true ? 1 : 0,
    info: JSON.stringify({
      agentVersion: '0.1.0',
      os: 'linux',
      arch: 'arm64',
      hostname: seed.hostname,
      labels: seed.labels ?? { os_type: 'linux' },
      engines: ['docker'],
      publishers: ['noop'],
      sources: ['inline'],
      capacity: { cpu: 4, memory: 8_000_000_000, disk: 80_000_000_000, gpu: 0 },
    }),
    last_error: seed.lastError ?? '',
    connected_at: 1_763_633_400_000,
    disconnected_at: 0,
    created_at: 1_763_633_400_000_000,
    modified_at: 1_763_633_400_000_000,
  });
}
