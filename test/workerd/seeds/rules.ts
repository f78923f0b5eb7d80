import type { ExecutionRecord } from '../../../schema/records.ts';
import { add, amountsOf, fits, NOTHING } from '../../../schema/amounts.ts';
import { checkJobState } from '../../sim/checks/job-rules.ts';
import { isLive, isOpen, slotKey } from '../../sim/checks/rows.ts';
import { checkExecutionStep, checkJobStep } from '../../sim/checks/step-rules.ts';
import type { Rows } from './rows.ts';

/** What is wrong with the rows as they stand now, and with how they came about since `before`: a line each. */
export function problemsOf(rows: Rows, before: Rows | null): string[] {
  return [
    ...(before === null ? [] : [...stepProblems(before, rows)]),
    ...slotProblems(rows),
    ...jobProblems(rows),
    ...capacityProblems(rows),
  ];
}

function* stepProblems(before: Rows, rows: Rows): Iterable<string> {
  for (const [id, { job }] of before.jobs) {
    const after = rows.jobs.get(id)?.job;
    const wrong = after === undefined ? '[1] it vanished' : checkJobStep(job, after);
    if (wrong !== null) yield `${job.name}: ${wrong}`;
  }
  for (const [id, execution] of before.executions) {
    const after = rows.executions.get(id);
    if (after === undefined) yield `${id}: [1] it vanished`;
    else if (JSON.stringify(after) !== JSON.stringify(execution)) {
      const wrong = checkExecutionStep(execution, after);
      if (wrong !== null) yield `${id}: ${wrong}`;
    }
  }
}

/** Of each job version at most one live execution a partition or node, and at most one Completed. */
function* slotProblems({ jobs, executions }: Rows): Iterable<string> {
  const [live, completed] = [new Set<string>(), new Set<string>()];
  for (const execution of executions.values()) {
    const job = jobs.get(execution.jobId)?.job;
    if (job === undefined) {
      yield `${execution.id}: [1] its job is not there`;
      continue;
    }
    const slot = slotKey(job, execution);
    if (isLive(execution)) {
      if (live.has(slot)) yield `${slot}: [3] two live executions`;
      live.add(slot);
    }
    const isKeptUp = job.type === 'service' || job.type === 'daemon';
    if (execution.computeState === 'Completed' && !isKeptUp) {
      if (completed.has(slot)) yield `${slot}: [3] two Completed executions`;
      completed.add(slot);
    }
  }
}

function* jobProblems({ jobs, executions, events }: Rows): Iterable<string> {
  const ofJob = Map.groupBy(executions.values(), ({ jobId }) => jobId);
  for (const [id, stored] of jobs) {
    const { job } = stored;
    const looked = (ofJob.get(id) ?? []).filter((e: ExecutionRecord) => e.jobVersion === job.version || isOpen(e));
    const wrong = checkJobState(stored, looked);
    if (wrong !== null) yield `${job.name} v${job.version}: [5] ${wrong}`;
    const { count, last } = events.get(id) ?? { count: 0, last: 0 };
    if (count !== job.eventSeq || last !== job.eventSeq) {
      yield `${job.name}: [5] it counts ${job.eventSeq} events and has ${count}, the last of them ${last}`;
    }
  }
}

function* capacityProblems({ nodes, executions }: Rows): Iterable<string> {
  const open = Map.groupBy([...executions.values()].filter(isOpen), ({ nodeId }) => nodeId);
  for (const { id, info } of nodes) {
    const charged = (open.get(id) ?? []).reduce((sum, e) => add(sum, amountsOf(e.resources)), NOTHING);
    if (!fits(charged, amountsOf(info.capacity))) yield `${id}: [4] over-committed: ${JSON.stringify(charged)}`;
  }
}
