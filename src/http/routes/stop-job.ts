import { StopJobRequest, type StopJobResponse } from '../../../schema/api/job.ts';
import { EvaluationId } from '../../../schema/ids.ts';
import { bind } from '../../../schema/job/bind.ts';
import { MAX_MESSAGE_BYTES } from '../../../schema/limits.ts';
import { cutText } from '../../../schema/text.ts';
import { jobRef } from '../auth/principal.ts';
import { readJsonBody } from '../body.ts';
import { command } from '../command.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { Query } from '../query.ts';

const DEFAULT_REASON = 'Stopped at user request';
/** How Python and JavaScript write that there is none, where a client puts it into a query as it is. */
const NO_REASON: ReadonlySet<string> = new Set(['None', 'null', 'undefined']);

/** Stops a job. The query is read first and the body overrides it; either may name the reason. */
export async function stopJob(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const query = new Query(c);
  const body = bind(StopJobRequest, (await readJsonBody(c)) ?? {});
  const namespace = body.Namespace ?? query.text('namespace');
  const reason = [body.Reason ?? '', query.text('reason')].find(isReason) ?? DEFAULT_REASON;
  const jobId = await deps.reads.findJob(jobRef(c, namespace, text));
  c.set('logFields', { jobId });
  const fields = {
    commandId: deps.newId(),
    jobId,
    evaluationId: EvaluationId.parse(deps.newId()),
    reason: cutText(reason, MAX_MESSAGE_BYTES),
  };
  const done = await command(deps, 'stopJob', fields);
  return answer(c, { EvaluationID: done.evaluationId } satisfies StopJobResponse);
}

function isReason(text: string): boolean {
  return text.trim() !== '' && !NO_REASON.has(text.trim());
}
