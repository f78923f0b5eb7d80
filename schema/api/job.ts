import { z } from 'zod';
import { JobSpec } from '../job/job.ts';
import { jobStates } from '../states.ts';
import { NextToken } from './common.ts';
import { ListExecutionsResponse } from './execution.ts';
import { ListHistoryResponse } from './history.ts';
import { Nanos } from './raw-integer.ts';

/** A job as Bacalhau shows it: what its user asked for, and how it stands. */
export const Job = JobSpec.extend({
  ID: z.string(),
  /** The state is text, unlike those of executions. */
  State: z.object({ StateType: z.enum(jobStates), Message: z.string().optional() }),
  Version: z.int(),
  Revision: z.int(),
  CreateTime: Nanos,
  ModifyTime: Nanos,
});
export type Job = z.infer<typeof Job>;

export const SubmitJobResponse = z.object({
  JobID: z.string(),
  EvaluationID: z.string(),
  /** Null rather than empty. */
  Warnings: z.array(z.string()).nullable(),
});
export type SubmitJobResponse = z.infer<typeof SubmitJobResponse>;

export const StopJobResponse = z.object({
  /** Empty when the job had ended before. */
  EvaluationID: z.string(),
});
export type StopJobResponse = z.infer<typeof StopJobResponse>;

export const ListJobsResponse = z.object({ NextToken, Items: z.array(Job) });
export type ListJobsResponse = z.infer<typeof ListJobsResponse>;

/** `History` and `Executions` are there only when they were asked for. */
export const GetJobResponse = z.object({
  Job,
  History: ListHistoryResponse.optional(),
  Executions: ListExecutionsResponse.optional(),
});
export type GetJobResponse = z.infer<typeof GetJobResponse>;
