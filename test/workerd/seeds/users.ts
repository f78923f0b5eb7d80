import type { JobId } from '../../../schema/ids.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import { api } from '../fake-agent.ts';
import { documentOf, type Plan } from './plan.ts';
import type { Rows } from './rows.ts';

/** A job as its user remembers it. */
export interface UserJob {
  readonly name: string;
  id: JobId | null;
  plan: Plan;
  /** Submits, updates and reruns that were asked for, and those that were answered with a yes. */
  asked: number;
  accepted: number;
  /** Those of which it is not known yet, or never will be, whether they count. */
  unsure: number;
  /** A stop was answered with a yes, and nothing was asked for at the same time or since. */
  isStopped: boolean;
}

/** Users of the HTTP API, who remember what they were told. An answer that says nothing for sure counts as neither. */
export class Users {
  readonly jobs: UserJob[] = [];

  /** Submits a job; under the name of an existing one that is an update. */
  async submit(name: string, plan: Plan): Promise<boolean> {
    let job = this.jobs.find((one) => one.name === name);
    if (job === undefined) {
      job = { name, id: null, plan, asked: 0, accepted: 0, unsure: 0, isStopped: false };
      this.jobs.push(job);
    }
    job.plan = plan;
    return this.#begin(job, 'PUT', '/orchestrator/jobs', { Job: documentOf(name, plan) });
  }

  async rerun(job: UserJob): Promise<void> {
    if (job.id !== null) await this.#begin(job, 'PUT', `/orchestrator/jobs/${job.id}/rerun`, {});
  }

  async stop(job: UserJob): Promise<void> {
    if (job.id === null) return;
    const { asked } = job;
    const isAlone = job.unsure === 0;
    const { status, body } = await ask('DELETE', `/orchestrator/jobs/${job.id}`);
    const hasChanged = status === 200 && (body as { EvaluationID: string }).EvaluationID !== '';
    if (hasChanged && isAlone && job.asked === asked) job.isStopped = true;
  }

  /** What users were told and the rows do not say. */
  *problems({ jobs }: Rows): Iterable<string> {
    const stored = new Map([...jobs.values()].map(({ job }) => [job.name, job]));
    for (const { name, asked, accepted, isStopped } of this.jobs) {
      const job = stored.get(name);
      if ((job?.version ?? 0) < accepted)
        yield `${name}: [1] accepted ${accepted} times, is at version ${job?.version}`;
      if (job === undefined) continue;
      if (job.version > asked) yield `${name}: [1] asked for ${asked} times, is at version ${job.version}`;
      if (isStopped && !isTerminalJobState(job.state)) yield `${name}: [7] it was stopped and is ${job.state}`;
    }
    if (stored.size !== jobs.size) yield '[1] two jobs have one name';
  }

  async #begin(job: UserJob, method: string, path: string, request: unknown): Promise<boolean> {
    job.asked += 1;
    job.unsure += 1;
    job.isStopped = false;
    const { status, body } = await ask(method, path, request);
    if (status !== 503) job.unsure -= 1;
    if (status !== 200) return false;
    job.accepted += 1;
    job.id = (body as { JobID: JobId }).JobID;
    return true;
  }
}

/** @throws Error for an answer that is neither yes, no nor unknown */
async function ask(method: string, path: string, request?: unknown) {
  const answer = await api(method, path, request);
  const isExpected = answer.status === 200 || answer.status === 409 || answer.status === 503;
  if (!isExpected) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}
