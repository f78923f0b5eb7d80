import { durationText } from '../../../schema/format.ts';
import type { ExecutionId, JobId, NodeId } from '../../../schema/ids.ts';
import { FENCED_EXPIRY_MS } from '../../../schema/limits.ts';
import type { ExecutionRecord } from '../../../schema/records.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { fenceExecution, resendStop } from '../dispatch.ts';
import { isLive, isOpen } from '../execution.ts';
import { judgeFailure } from '../failures.ts';
import { failForQueueTimeout, failJob } from '../job-state.ts';
import { concluded } from '../kinds/batch.ts';
import { kinds } from '../kinds/kinds.ts';
import { leaveLine } from '../placement/kept-free.ts';
import { safely } from '../safely.ts';
import type { TimerKind } from '../timers.ts';
import type { Turn } from '../turn.ts';
import { loseNode } from './lose-node.ts';
import { dropSilent, leaseEnd } from '../sessions.ts';

/** Deadlines handled in one turn; the rest follows in the next. */
const MAX_TIMERS_PER_TURN = 500;
const TIMEOUT_HINT = 'Increase the task timeout or allocate more resources';

/** Handles every deadline that is due. Each handler looks whether its deadline still means anything. */
export function takeWake(turn: Turn): void {
  for (let i = 0; i < MAX_TIMERS_PER_TURN; i++) {
    const timer = turn.world.timers.takeDue(turn.now);
    if (timer === null) return;
    safely(turn, `deadline ${timer.kind} of ${timer.id}`, () => handlers[timer.kind](turn, timer.id));
  }
}

const handlers: Readonly<Record<TimerKind, (turn: Turn, id: string) => void>> = {
  ack: (turn, id) => {
    const execution = open(turn, id);
    if (execution === null || !isLive(execution) || execution.computeState !== 'New') return;
    turn.world.lastChoice.add(execution.nodeId);
    const reason = 'node did not take the execution in time';
    judgeFailure(turn, fenceExecution(turn, execution, { reason, failureClass: 'infrastructure' }));
  },

  backstop: (turn, id) => {
    const execution = open(turn, id);
    const job = execution === null ? null : turn.world.job(execution.jobId);
    if (execution === null || job === null || !isLive(execution)) return;
    const reason = `Execution timed out. Execution took longer than ${durationText(job.needs.executionTimeoutMs)}`;
    const details = { IsError: 'true', Hint: TIMEOUT_HINT, FailsExecution: 'true' };
    const why = { reason, failureClass: 'environment', topic: 'Exec Timeout', details } as const;
    judgeFailure(turn, fenceExecution(turn, execution, why));
  },

  stop: (turn, id) => {
    const execution = open(turn, id);
    if (execution !== null && !isLive(execution)) resendStop(turn, execution);
  },

  fenced: (turn, id) => {
    const execution = open(turn, id);
    if (execution === null || isLive(execution)) return;
    const after = turn.updateExecution(execution.id, {
      computeState: 'Failed',
      computeMessage: `node has not answered for ${durationText(FENCED_EXPIRY_MS)}`,
    });
    turn.event(after.jobId, {
      topic: 'Scheduling',
      message: after.computeMessage,
      details: { NodeID: after.nodeId, IsError: 'true' },
      execution: after,
    });
  },

  retry: (turn, id) => {
    const jobId = id as JobId;
    // Wherever it stands in line, it is looked at for all nodes.
    leaveLine(turn, jobId);
    turn.markDirty(jobId);
  },

  queue: (turn, id) => {
    const job = turn.world.job(id as JobId);
    if (job === null || job.state !== 'Queued' || job.waitingSince === null) return;
    const kind = kinds[job.type];
    const timeoutMs = kind.queueTimeoutMs(turn, job);
    if (timeoutMs === null) return;
    const at = job.waitingSince + timeoutMs;
    if (at > turn.now) turn.world.timers.set('queue', job.id, at);
    else failForQueueTimeout(turn, job, kind.reason(turn, job));
  },

  total: (turn, id) => {
    const known = turn.world.job(id as JobId);
    const job = known === null ? null : concluded(turn, known);
    if (job === null || isTerminalJobState(job.state) || job.needs.totalTimeoutMs === 0) return;
    const at = job.versionAt + job.needs.totalTimeoutMs;
    if (at > turn.now) {
      turn.world.timers.set('total', job.id, at);
      return;
    }
    failJob(turn, job, {
      topic: 'Job Timeout',
      message: `Job timed out. Job took longer than ${durationText(job.needs.totalTimeoutMs)}`,
      details: { Hint: TIMEOUT_HINT, FailsExecution: 'true' },
      failsExecutions: 'environment',
    });
  },

  reserve: (turn) => turn.markReservationsChanged(),

  // What it is about is found again when the turn settles.
  settle: () => {},

  lease: (turn, id) => {
    const nodeId = id as NodeId;
    const session = turn.world.sessions.get(nodeId);
    if (session === undefined || turn.world.openCount(nodeId) === 0) return;
    const until = leaseEnd(turn, nodeId);
    if (until > turn.now) turn.world.timers.set('lease', nodeId, until);
    else dropSilent(turn, session);
  },

  lost: (turn, id) => loseNode(turn, id as NodeId),
};

function open(turn: Turn, id: string): ExecutionRecord | null {
  const execution = turn.world.executions.get(id as ExecutionId);
  return execution !== undefined && isOpen(execution) ? execution : null;
}
