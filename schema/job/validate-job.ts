import { constraintOperators } from './job.ts';
import { shown } from '../problems.ts';
import { MAX_COUNT, MAX_NAME_CHARS } from '../limits.ts';
import { jobTypes, runsOnEveryNode, type JobType } from '../states.ts';
import type { ConstraintInput, JobInput } from './input.ts';
import { isBlank, validateTask } from './validate-task.ts';

export function isJobType(type: string): type is JobType {
  return (jobTypes as readonly string[]).includes(type);
}

/** What is wrong with a job as submitted, one message a problem. @see Bacalhau pkg/models/job.go, ValidateSubmission */
export function validateJob(job: JobInput): string[] {
  const tasks = job.Tasks ?? [];
  return [
    ...validateType(job.Type ?? ''),
    ...validateNames(job),
    ...validateCount(job),
    ...(tasks.length === 0 ? ['missing job tasks'] : []),
    ...(job.Constraints ?? []).flatMap((constraint, i) => {
      const problem = constraintProblem(constraint);
      return problem === null ? [] : [`constraint ${i + 1} validation failed: ${problem}`];
    }),
    ...tasks.flatMap((task) => {
      const problems = validateTask(task);
      return problems.length === 0 ? [] : [`task ${shown(task.Name ?? '')} validation failed: ${problems.join('\n')}`];
    }),
  ];
}

function validateType(type: string): string[] {
  if (type === '') return ['missing job type'];
  return isJobType(type) ? [] : [`invalid job type: ${JSON.stringify(shown(type))}`];
}

function validateNames(job: JobInput): string[] {
  const fields = [
    ['job name', job.Name ?? ''],
    ['job namespace', job.Namespace ?? ''],
    ['job ID', job.ID ?? ''],
    ...(job.Tasks ?? []).map((task) => ['task name', task.Name ?? ''] as const),
  ] as const;
  return fields.flatMap(([what, text]) => [
    // The task's own check already names a null character.
    ...(what !== 'task name' && text.includes('\0') ? [`${what} cannot contain null characters`] : []),
    ...(text.length > MAX_NAME_CHARS ? [`${what} must be at most ${MAX_NAME_CHARS} characters`] : []),
  ]);
}

function validateCount({ Count: count = 0, Type: type = '' }: JobInput): string[] {
  if (count < 0) return ['job count must be >= 0'];
  if (runsOnEveryNode(type) && count > 1) {
    return [`${type} jobs cannot specify count > 1 as they run on all matching nodes`];
  }
  return count > MAX_COUNT ? [`job count must be <= ${MAX_COUNT}`] : [];
}

function constraintProblem({
  Key: key = '',
  Operator: operator = '',
  Values: values = [],
}: ConstraintInput): string | null {
  if (isBlank(key)) return 'selector key cannot be blank';
  if (!(constraintOperators as readonly string[]).includes(operator)) {
    return `unknown operator "${shown(operator)}", allowed: ${constraintOperators.join(' ')}`;
  }
  switch (operator) {
    case 'in':
    case 'notin':
      return values.length === 0 ? 'selector values cannot be empty for In or NotIn operators' : null;
    case 'exists':
    case '!':
      return values.length > 0 ? 'selector values must be empty for Exists or KeyNotInImap operators' : null;
    default:
      return values.length === 1 ? null : 'selector values must have exactly one value for other operators';
  }
}
