import type { z } from 'zod';
import { badRequest, ShoalError } from '../errors.ts';
import { isKeptUp, jobStates, runsOnEveryNode } from '../states.ts';
import { bind } from './bind.ts';
import { SubmissionInput, type JobInput } from './input.ts';
import type { JobSpec } from './job.ts';
import { rewriteLegacyWasm } from './legacy-wasm.ts';
import { MAX_PROBLEMS } from '../limits.ts';
import { problemText, shown } from '../problems.ts';
import { normaliseJob } from './normalise.ts';
import { findUnknownFields } from './unknown-fields.ts';
import { checkSizes } from './sizes.ts';
import { validateJob } from './validate-job.ts';
import { validateFilledTask } from './validate-task.ts';

/** Meta keys that only the server sets. */
export const RESERVED_META = 'bacalhau.org/';

export interface Submission {
  /** `Name` is empty when the user gave none: the job's id takes its place. */
  readonly spec: JobSpec;
  /** Update although nothing changed. */
  readonly force: boolean;
  /** What was ignored, for the answer. */
  readonly warnings: readonly string[];
  /** Service and daemon jobs may bring their own id; null otherwise. */
  readonly requestedId: string | null;
  /** The client's own token for this submission; empty when it has none. */
  readonly idempotencyToken: string;
}

/**
 * Reads the body of a submission: loose in, normalised out. Parsing its own result again gives the same document.
 *
 * @throws ShoalError 400 with every problem on a line of its own; 413 when the document is too large; nothing else
 * @see Bacalhau pkg/publicapi/endpoint/orchestrator, putJob
 */
export function parseSubmission(body: unknown): Submission {
  return validateSubmission(bindSubmission(body), body);
}

/** A body that has been bound to the types of its fields, and whose job is there; what the fields say is not looked at. */
export type BoundSubmission = z.infer<typeof SubmissionInput> & { readonly Job: JobInput };

/** @throws ShoalError 400 when some field is of another type, or there is no job */
export function bindSubmission(body: unknown): BoundSubmission {
  const { Job, ...rest } = bind(SubmissionInput, body);
  if (Job === undefined) throw badRequest('empty/nil job');
  return { ...rest, Job };
}

/** The rest of `parseSubmission`. @param body  as it was sent, for warnings of what is not known */
export function validateSubmission(bound: BoundSubmission, body: unknown): Submission {
  const { Job: given, Force: force = false, IdempotencyToken: idempotencyToken = '' } = bound;
  const job = rewriteLegacyWasm(given);
  const problems = validateJob(job);
  if (problems.length > 0) throw badRequest(problemText(problems));
  const warnings = new Warnings();
  const kept = sanitise(job, warnings);
  findUnknownFields(body, (text) => warnings.add(text));
  warnReserved(job, warnings);
  checkFilled(kept);
  const spec = normaliseJob(kept);
  checkSizes(spec);
  if (spec.Count === 0 && !runsOnEveryNode(spec.Type)) warnings.add(() => 'job count is 0: nothing runs');
  const requestedId = isKeptUp(kept.Type ?? '') && kept.ID !== undefined && kept.ID !== '' ? kept.ID : null;
  return { spec, force, warnings: warnings.list(), requestedId, idempotencyToken };
}

/** The first warnings of an answer; the rest is counted. */
class Warnings {
  readonly #shown: string[] = [];
  #more = 0;

  /** @param text  made only when it is shown */
  add(text: () => string): void {
    if (this.#shown.length < MAX_PROBLEMS) this.#shown.push(text());
    else this.#more += 1;
  }

  list(): readonly string[] {
    return this.#more === 0 ? this.#shown : [...this.#shown, `(and ${this.#more} more)`];
  }
}

/** Drops what a user may not set, each with a warning. */
function sanitise(job: JobInput, warnings: Warnings): JobInput {
  const state = (job.State?.StateType ?? '').toLowerCase();
  const isState = jobStates.some((name) => name !== 'Undefined' && name.toLowerCase() === state);
  if (isState) warnings.add(() => 'job state is ignored when submitting a job');
  const counters = [
    ['revision', job.Revision],
    ['version', job.Version],
    ['create time', job.CreateTime],
    ['modify time', job.ModifyTime],
  ] as const;
  for (const [name, value = 0] of counters) {
    if (value !== 0) warnings.add(() => `job ${name} is ignored when submitting a job`);
  }
  if (!isKeptUp(job.Type ?? '') && (job.ID ?? '') !== '')
    warnings.add(() => `job ID is ignored when submitting a ${job.Type} job`);
  if ((job.Tasks ?? []).length > 1) warnings.add(() => 'only one task is supported per job');
  return {
    ...job,
    Meta: Object.fromEntries(Object.entries(job.Meta ?? {}).filter(([key]) => !isReserved(key))),
    Tasks: (job.Tasks ?? []).slice(0, 1),
  };
}

function warnReserved({ Meta: meta = {} }: JobInput, warnings: Warnings): void {
  for (const key of Object.keys(meta).filter(isReserved)) {
    warnings.add(() => `job meta key ${JSON.stringify(shown(key))} is reserved and will be ignored`);
  }
}

export function isReserved(metaKey: string): boolean {
  return metaKey.startsWith(RESERVED_META);
}

/** The second validation, of the job as it would be stored. */
function checkFilled(job: JobInput): void {
  const problems = (job.Tasks ?? []).flatMap((task) => {
    const found = validateFilledTask(task);
    return found.length === 0 ? [] : [`task ${shown(task.Name ?? '')} validation failed: ${found.join('\n')}`];
  });
  if (isKeptUp(job.Type ?? '') && /\s/.test(job.ID ?? '')) problems.unshift('job ID contains a space');
  if (problems.length > 0) throw new ShoalError('BadRequest', problemText(problems), { component: 'JobStore' });
}
