import type { NodeId, ExecutionId } from '../../schema/ids.ts';
import type { FromAgent } from '../../schema/protocol/from-agent.ts';
import { PROTOCOL_VERSION } from '../../schema/protocol/version.ts';

/**
 * What fake agents say. They greet with the newest protocol that they know, in words that the older ones understand too,
 * and speak the version that the welcome names; where a greeting is refused for its version they try the one before.
 */

/** The oldest that is spoken: the first version that a bench compares with. */
export const OLDEST_PROTOCOL = 2;

const HOSTNAME_SINCE = 3;

/** Newest first. */
export function spokenVersions(): number[] {
  return Array.from({ length: PROTOCOL_VERSION - OLDEST_PROTOCOL + 1 }, (_, i) => PROTOCOL_VERSION - i);
}

export interface NodePlan {
  readonly nodeId: string;
  /** Cores; default more than any bench needs. */
  readonly cpu?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

type Held = Extract<FromAgent, { type: 'hello' }>['holds'];

export function hello(plan: NodePlan, protocol: number, agentInstance: string, holds: Held): FromAgent {
  const { nodeId, cpu = 1_000_000, labels = {} } = plan;
  return {
    type: 'hello',
    protocol,
    nodeId: nodeId as NodeId,
    agentInstance,
    agentVersion: 'bench',
    os: 'linux',
    arch: 'amd64',
    ...(protocol >= HOSTNAME_SINCE && { hostname: nodeId }),
    labels,
    engines: ['docker'],
    publishers: ['noop'],
    sources: [],
    capacity: { cpu, memory: 1e15, disk: 1e15, gpu: 0 },
    holds,
    more: false,
  };
}

export function ack(executionId: ExecutionId): FromAgent {
  return { type: 'ack', executionId };
}

export function reject(executionId: ExecutionId): FromAgent {
  return { type: 'reject', executionId, reason: 'this node declines what the bench tells it to' };
}

export function completed(executionId: ExecutionId): FromAgent {
  const output = {
    stdout: 'hi\n',
    stdoutTruncated: false,
    stderr: '',
    stderrTruncated: false,
    exitCode: 0,
    errorMessage: '',
  };
  return { type: 'report', executionId, seq: 1, state: 'Completed', output };
}

export function cancelled(executionId: ExecutionId): FromAgent {
  return { type: 'report', executionId, seq: 1, state: 'Cancelled', message: 'stopped' };
}
