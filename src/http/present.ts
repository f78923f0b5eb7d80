import { ZERO_TIME, type Amounts, type ApiError } from '../../schema/api/common.ts';
import type { Execution } from '../../schema/api/execution.ts';
import type { JobHistory } from '../../schema/api/history.ts';
import type { Job } from '../../schema/api/job.ts';
import type { NodeInfo, NodeState } from '../../schema/api/node.ts';
import { nanosOf } from '../../schema/api/raw-integer.ts';
import type { ErrorShape } from '../../schema/errors.ts';
import type { EpochMs, EpochUs, NodeId } from '../../schema/ids.ts';
import type { Resources } from '../../schema/job/job.ts';
import { keptCount } from '../../schema/job/kept-count.ts';
import { PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { EventRecord, NodeRecord, RunOutput } from '../../schema/records.ts';
import { computeStates, desiredStates } from '../../schema/states.ts';
import { API_VERSION } from '../../schema/version.ts';
import type { LiveNode } from '../scheduler/rpc.ts';
import type { ExecutionView } from '../store/reads/executions.ts';
import type { JobView } from '../store/reads/jobs.ts';
import { shownState } from './execution-state.ts';

/** Records become Bacalhau's JSON here and nowhere else. */

const PROTOCOLS = [`shoal/v${PROTOCOL_VERSION}`];

export function presentJob(job: JobView): Job {
  const { spec } = job;
  return {
    ID: job.id,
    Name: job.name,
    Namespace: job.namespace,
    Type: job.type,
    Priority: spec.Priority,
    Count: keptCount(job.type, { type: spec.Type, count: spec.Count }),
    Constraints: spec.Constraints,
    Meta: spec.Meta,
    Labels: spec.Labels,
    Tasks: spec.Tasks,
    State: { StateType: job.state, ...message(job.stateMessage) },
    Version: job.version,
    Revision: job.revision,
    CreateTime: nanosOf(job.createdAt),
    ModifyTime: nanosOf(job.modifiedAt),
  };
}

/** Without the job's snapshot that Bacalhau repeats in every execution: no client reads it. */
export function presentExecution(execution: ExecutionView): Execution {
  const shown = shownState(execution);
  return {
    ID: execution.id,
    Namespace: execution.namespace,
    EvalID: execution.evalId,
    Name: '',
    NodeID: execution.nodeId,
    JobID: execution.jobId,
    JobVersion: execution.jobVersion,
    ...(execution.partition !== 0 && { PartitionIndex: execution.partition }),
    AllocatedResources: { Tasks: { [execution.taskName]: presentAmounts(execution.resources) } },
    DesiredState: {
      StateType: desiredStates.indexOf(execution.desiredState),
      ...message(execution.desiredMessage),
    },
    ComputeState: {
      StateType: computeStates.indexOf(shown.state),
      ...message(shown.message),
    },
    PublishedResult: { Type: '' },
    RunOutput: presentOutput(execution.output),
    ...(execution.phases !== null && { Phases: execution.phases }),
    PreviousExecution: '',
    NextExecution: '',
    FollowupEvalID: '',
    Revision: execution.revision,
    CreateTime: nanosOf(execution.createdAt),
    ModifyTime: nanosOf(execution.modifiedAt),
  };
}

function presentOutput(output: RunOutput | null): Execution['RunOutput'] {
  return {
    Stdout: output?.stdout ?? '',
    StdoutTruncated: output?.stdoutTruncated ?? false,
    stderr: output?.stderr ?? '',
    StderrTruncated: output?.stderrTruncated ?? false,
    ExitCode: output?.exitCode ?? 0,
    ErrorMsg: output?.errorMessage ?? '',
  };
}

/** @param forOldClients adds the empty state without which clients older than 1.5 crash */
export function presentEvent(event: EventRecord, forOldClients: boolean): JobHistory {
  const time = timeText(event.createdAt);
  const ofJob = event.type === 'JobLevel';
  return {
    SeqNum: event.seq,
    Type: event.type,
    JobID: event.jobId,
    JobVersion: event.jobVersion,
    ...(event.executionId !== '' && { ExecutionID: event.executionId }),
    ...(forOldClients && (ofJob ? { JobState: {} } : { ExecutionState: {} })),
    Event: {
      Message: event.message,
      Topic: event.topic,
      Timestamp: time,
      ...(Object.keys(event.details).length > 0 && { Details: event.details }),
    },
    Time: time,
  };
}

/** @param live what the Scheduler knows of the node; null when it could not be asked: then D1's facts are shown alone */
export function presentNode(node: NodeRecord, live: LiveNode | null): NodeState {
  const isHere = live === null ? node.connection === 'CONNECTED' : live.connected;
  // One that was rejected keeps its socket, so that approving it takes effect at once; to clients it is shut out.
  const connected = isHere && node.membership !== 'REJECTED';
  const status = connected ? 'CONNECTED' : 'DISCONNECTED';
  const capacity = presentAmounts(node.info.capacity);
  const { engines, publishers, sources, os, arch, hostname, labels } = node.info;
  return {
    Info: {
      NodeID: node.id,
      NodeType: 'Compute',
      Labels: labels,
      SupportedProtocols: PROTOCOLS,
      ComputeNodeInfo: {
        ExecutionEngines: [...engines],
        Publishers: [...publishers],
        StorageSources: [...sources],
        MaxCapacity: capacity,
        QueueCapacity: {},
        AvailableCapacity: connected && live !== null ? presentAmounts(live.available) : {},
        MaxJobRequirements: capacity,
        RunningExecutions: live?.runningExecutions ?? 0,
        EnqueuedExecutions: 0,
        address: hostname ?? '',
      },
      BacalhauVersion: { ...API_VERSION, GOOS: os, GOARCH: arch },
    },
    Membership: node.membership,
    ...(node.draining && { Draining: true as const }),
    Connection: status,
    ConnectionState: {
      Status: status,
      LastHeartbeat: msText(live === null || live.lastHeard === 0 ? node.connectedAt : live.lastHeard),
      ConnectedSince: msText(node.connectedAt),
      DisconnectedSince: connected ? ZERO_TIME : timeText(node.disconnectedAt * 1000 || node.modifiedAt),
      ...(node.lastError !== '' && { LastError: node.lastError }),
    },
  };
}

/** The orchestrator as one of the nodes. It runs nothing itself. */
export function presentOrchestrator(id: NodeId): NodeInfo {
  return {
    NodeID: id,
    NodeType: 'Requester',
    Labels: {},
    SupportedProtocols: PROTOCOLS,
    ComputeNodeInfo: {
      ExecutionEngines: null,
      Publishers: null,
      StorageSources: null,
      MaxCapacity: {},
      QueueCapacity: {},
      AvailableCapacity: {},
      MaxJobRequirements: {},
      RunningExecutions: 0,
      EnqueuedExecutions: 0,
      address: '',
    },
    BacalhauVersion: API_VERSION,
  };
}

export function presentOrchestratorState(id: NodeId, now: EpochMs): NodeState {
  return {
    Info: presentOrchestrator(id),
    Membership: 'APPROVED',
    Connection: 'CONNECTED',
    ConnectionState: {
      Status: 'CONNECTED',
      LastHeartbeat: msText(now),
      // It answers, so it is connected; since when has no meaning for something without a process of its own.
      ConnectedSince: ZERO_TIME,
      DisconnectedSince: ZERO_TIME,
    },
  };
}

export function presentError(shape: ErrorShape, requestId: string): ApiError {
  return {
    Status: shape.status,
    Message: shape.message,
    RequestID: requestId,
    Code: shape.code,
    Component: shape.component,
    ...(shape.hint !== undefined && { Hint: shape.hint }),
    ...(shape.details !== undefined && { Details: shape.details }),
  };
}

/** Nothing that is 0 is shown; bytes and GPUs are whole. */
function presentAmounts({ cpu, memory, disk, gpu }: Resources): Amounts {
  return {
    ...(cpu > 0 && { CPU: cpu }),
    ...(memory >= 1 && { Memory: Math.floor(memory) }),
    ...(disk >= 1 && { Disk: Math.floor(disk) }),
    ...(gpu >= 1 && { GPU: Math.floor(gpu) }),
  };
}

function message(text: string): { Message?: string } {
  return text === '' ? {} : { Message: text };
}

function msText(ms: EpochMs): string {
  return timeText(ms * 1000);
}

/** RFC 3339 with as many decimals as are not 0, as Go writes it. */
function timeText(us: EpochUs): string {
  if (us === 0) return ZERO_TIME;
  const seconds = new Date(Math.floor(us / 1000)).toISOString().slice(0, 19);
  const decimals = String(us % 1_000_000)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return decimals === '' ? `${seconds}Z` : `${seconds}.${decimals}Z`;
}
