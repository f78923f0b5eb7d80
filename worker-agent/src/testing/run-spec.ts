import { randomUUID } from 'node:crypto';
import { ExecutionId, JobId } from '@shoal/schema/ids';
import type { Task } from '@shoal/schema/job/job';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import type { Log } from '../ports.ts';

export function newExecutionId(): ExecutionId {
  return ExecutionId.parse(`e-${randomUUID()}`);
}

export function task(params: Readonly<Record<string, unknown>> = {}, more: Partial<Task> = {}): Task {
  return {
    Name: 'main',
    Engine: { Type: 'docker', Params: { Image: 'busybox:latest', ...params } },
    Publisher: { Type: '' },
    Resources: {},
    Network: { Type: 'None' },
    Timeouts: {},
    ...more,
  };
}

/** An execution with half a core, 64 MB and no timeout. */
export function runSpec(more: Partial<RunSpec> = {}): RunSpec {
  return {
    executionId: newExecutionId(),
    jobId: JobId.parse(`j-${randomUUID()}`),
    jobVersion: 1,
    jobType: 'batch',
    namespace: 'default',
    partition: 0,
    partitionCount: 1,
    task: task(),
    resources: { cpu: 0.5, memory: 64_000_000, disk: 0, gpu: 0 },
    executionTimeoutMs: 0,
    ...more,
  };
}

/** An execution of `sh -c <script>`. */
export function shell(script: string, more: Partial<RunSpec> = {}): RunSpec {
  return runSpec({ task: task({ Entrypoint: ['sh', '-c', script] }), ...more });
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
