import type { Hono } from 'hono';
import type { Deps, HttpEnv } from '../deps.ts';
import { diffJob } from './diff-job.ts';
import { dryRun } from './dry-run.ts';
import { listExecutions } from './executions.ts';
import { getJob } from './get-job.ts';
import { listHistory } from './history.ts';
import { listJobs } from './list-jobs.ts';
import { rerunJob } from './rerun-job.ts';
import { listResults } from './results.ts';
import { stopJob } from './stop-job.ts';
import { submitJob } from './submit-job.ts';
import { listVersions } from './versions.ts';

const JOBS = '/api/v1/orchestrator/jobs';

export function addJobRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  app.put(JOBS, (c) => submitJob(c, deps));
  app.post(JOBS, (c) => submitJob(c, deps));
  app.post('/api/v1/shoal/dry-run', (c) => dryRun(c, deps));
  app.get(JOBS, (c) => listJobs(c, deps));
  app.put(`${JOBS}/diff`, (c) => diffJob(c, deps));
  app.get(`${JOBS}/:id`, (c) => getJob(c, deps, c.req.param('id')));
  app.delete(`${JOBS}/:id`, (c) => stopJob(c, deps, c.req.param('id')));
  app.get(`${JOBS}/:id/executions`, (c) => listExecutions(c, deps, c.req.param('id')));
  app.get(`${JOBS}/:id/history`, (c) => listHistory(c, deps, c.req.param('id')));
  app.get(`${JOBS}/:id/versions`, (c) => listVersions(c, deps, c.req.param('id')));
  app.get(`${JOBS}/:id/results`, (c) => listResults(c, deps, c.req.param('id')));
  app.put(`${JOBS}/:id/rerun`, (c) => rerunJob(c, deps, c.req.param('id')));
}
