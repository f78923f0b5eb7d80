import type { DryRunResponse } from '../../../schema/api/job.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { readSubmission } from './submit-job.ts';

/** Where a submission would run, or why not: read, checked and refused as the submission itself would be. Nothing is stored. */
export async function dryRun(c: Ctx, deps: Deps): Promise<Response> {
  const { fields, warnings } = await readSubmission(c, deps);
  const run = await deps.scheduler.dryRun({ ...fields, retry: false });
  const all = [...warnings, ...run.warnings];
  return answer(c, {
    Starts: run.starts,
    Nodes: run.nodes.map(({ nodeId, reason }) => ({ NodeID: nodeId, Suitable: reason === '', Reason: reason })),
    Warnings: all.length === 0 ? null : all,
  } satisfies DryRunResponse);
}
