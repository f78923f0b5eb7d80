import type { GetJobResponse } from '../../../schema/api/job.ts';
import { jobRef } from '../auth/principal.ts';
import type { Ctx, Deps } from '../deps.ts';
import { answer } from '../json.ts';
import { presentEvent, presentExecution, presentJob } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';
import { allExecutions } from './executions.ts';
import { firstHistory, needsFiller } from './history.ts';

/** One job, with its executions and the first of its history where `include` names them. */
export async function getJob(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const query = new Query(c);
  const version = query.uint('job_version');
  // Accepted and without effect, but still a number.
  query.uint('limit', MAX_UINT32);
  const include = new Set(
    query
      .text('include')
      .split(',')
      .map((word) => word.trim()),
  );
  const withExecutions = include.has('executions');
  const withHistory = include.has('history');
  const found = await deps.reads.getJob(jobRef(c, query.text('namespace'), text), {
    version,
    executions: withExecutions ? allExecutions(version) : null,
    history: withHistory ? firstHistory(version) : null,
  });
  const filler = needsFiller(c);
  return answer(c, {
    Job: presentJob(found.job),
    ...(withHistory && {
      History: { NextToken: '', Items: found.history.events.map((event) => presentEvent(event, filler)) },
    }),
    ...(withExecutions && { Executions: { NextToken: '', Items: found.executions.map(presentExecution) } }),
  } satisfies GetJobResponse);
}
