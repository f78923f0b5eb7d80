import { StopJobRequest, StopJobResponse } from '../../../schema/api/job.ts';
import { EvaluationId } from '../../../schema/ids.ts';
import { MAX_MESSAGE_BYTES } from '../../../schema/limits.ts';
import { cutText } from '../../../schema/text.ts';
import { jobRef } from '../auth/principal.ts';
import { command } from '../command.ts';
import { namespace, refusals } from './parameters.ts';
import { route, type Route } from './route.ts';

const DEFAULT_REASON = 'Stopped at user request';
/** How Python and JavaScript write that there is none, where a client puts it into a query as it is. */
const NO_REASON: ReadonlySet<string> = new Set(['None', 'null', 'undefined']);

export const stopJobRoutes: readonly Route[] = [
  route({
    id: 'stopJob',
    method: 'delete',
    path: '/api/v1/orchestrator/jobs/{id}',
    needs: 'write:job',
    tag: 'Jobs',
    summary: 'Stop a job',
    query: { namespace, reason: { type: 'text', description: 'Why, unless the body says it.' } },
    body: StopJobRequest,
    answer: StopJobResponse,
    errors: {
      400: refusals.unreadable,
      404: refusals.noJob,
      409: 'The job is completed already, or the beginning of an id fits several jobs.',
      413: refusals.large,
      503: refusals.unknownOutcome,
    },
    example: { path: { id: 'greeting' }, query: { reason: 'not needed any more' } },
    // The query is read first and the body overrides it; either may name the reason.
    handle: async ({ c, deps, part, query, body }) => {
      const asked = query();
      const { Namespace: namespace = asked.namespace, Reason: given = '' } = await body();
      const reason = [given, asked.reason].find(isReason) ?? DEFAULT_REASON;
      const jobId = await deps.reads.findJob(jobRef(c, namespace, part('id')));
      c.set('logFields', { jobId });
      const done = await command(deps, 'stopJob', {
        commandId: deps.newId(),
        jobId,
        evaluationId: EvaluationId.parse(deps.newId()),
        reason: cutText(reason, MAX_MESSAGE_BYTES),
      });
      return { EvaluationID: done.evaluationId };
    },
  }),
];

function isReason(text: string): boolean {
  return text.trim() !== '' && !NO_REASON.has(text.trim());
}
