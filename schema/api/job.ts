import { z } from 'zod';
import { JobSpec, SpecConfig } from '../job/job.ts';
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

export const DryRunResponse = z.object({
  /** Some of the job would start at once. */
  Starts: z.boolean(),
  /** At most 100, those that would take it first, the best one at their head. */
  Nodes: z.array(z.object({ NodeID: z.string(), Suitable: z.boolean(), Reason: z.string() })),
  /** As the submission's; null rather than empty. */
  Warnings: z.array(z.string()).nullable(),
});
export type DryRunResponse = z.infer<typeof DryRunResponse>;

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

/** What the completed executions of the latest version published. */
export const ListResultsResponse = z.object({ NextToken, Items: z.array(SpecConfig) });
export type ListResultsResponse = z.infer<typeof ListResultsResponse>;

export const RerunJobRequest = z.object({
  /** 0 or absent: the latest. */
  JobVersion: z.int().nonnegative().optional(),
  Namespace: z.string().optional(),
});

export const RerunJobResponse = z.object({
  JobID: z.string(),
  JobVersion: z.int(),
  EvaluationID: z.string(),
  Warnings: z.array(z.string()).nullable(),
});
export type RerunJobResponse = z.infer<typeof RerunJobResponse>;

export const DiffJobResponse = z.object({
  /** Empty when nothing differs; else lines that begin with a blank, `-` or `+`. */
  Diff: z.string(),
  Warnings: z.array(z.string()).nullable(),
});
export type DiffJobResponse = z.infer<typeof DiffJobResponse>;

export const StopJobRequest = z.object({ Namespace: z.string().optional(), Reason: z.string().optional() });
