import { z } from 'zod';
import { SubmissionInput } from '../job/input.ts';
import { JobSpec, SpecConfig, Task } from '../job/job.ts';
import { jobStates } from '../states.ts';
import { NextToken, Warnings } from './common.ts';
import { ListExecutionsResponse } from './execution.ts';
import { ListHistoryResponse } from './history.ts';
import { Nanos } from './raw-integer.ts';

/** Exported under the names that clients see. */
export { SubmissionInput as SubmitJobRequest, Task };

/** A job as Bacalhau shows it: what its user asked for, and how it stands. */
export const Job = JobSpec.extend({
  ID: z.string().describe('Of the job; stays the same in all versions.'),
  /** The state is text, unlike those of executions. */
  State: z
    .object({
      StateType: z.enum(jobStates).describe('How the job stands.'),
      Message: z.string().optional().describe('Why; of a job that waits what no node has.'),
    })
    .describe('How the job stands, and why.'),
  Version: z.int().describe('From 1; each submission or rerun of the job is a new one.'),
  Revision: z.int().describe('How often the job has changed, from 1.'),
  CreateTime: Nanos,
  ModifyTime: Nanos,
}).describe('A job as it was asked for, and how it stands.');
export type Job = z.infer<typeof Job>;

const JobID = z.string().describe('Of the job.');
const EvaluationID = z.string().describe('Of this command.');

export const SubmitJobResponse = z.object({ JobID, EvaluationID, Warnings });
export type SubmitJobResponse = z.infer<typeof SubmitJobResponse>;

export const DryRunResponse = z.object({
  Starts: z.boolean().describe('Some of the job would start at once.'),
  Nodes: z
    .array(
      z.object({
        NodeID: z.string().describe('Of the node.'),
        Suitable: z.boolean().describe('It would take the job now.'),
        Reason: z.string().describe('Why it would not; else empty.'),
      }),
    )
    .describe('At most 100, those that would take it first, the best one at their head.'),
  Warnings,
});
export type DryRunResponse = z.infer<typeof DryRunResponse>;

export const StopJobResponse = z.object({
  EvaluationID: z.string().describe('Of this command; empty when the job had ended before.'),
});
export type StopJobResponse = z.infer<typeof StopJobResponse>;

export const ListJobsResponse = z.object({
  NextToken,
  Items: z.array(Job).describe('In the order that was asked for.'),
});
export type ListJobsResponse = z.infer<typeof ListJobsResponse>;

export const GetJobResponse = z.object({
  Job,
  History: ListHistoryResponse.optional().describe('The first of it, when `include` names it.'),
  Executions: ListExecutionsResponse.optional().describe('Of the shown version, when `include` names them.'),
});
export type GetJobResponse = z.infer<typeof GetJobResponse>;

export const ListResultsResponse = z.object({
  NextToken,
  Items: z.array(SpecConfig).describe('What the completed executions of the latest version published.'),
});
export type ListResultsResponse = z.infer<typeof ListResultsResponse>;

export const RerunJobRequest = z.object({
  JobVersion: z.int().nonnegative().optional().describe('0 or absent: the latest.'),
  Namespace: z.string().optional().describe('Where the name is looked up; `default` when absent.'),
});

export const RerunJobResponse = z.object({
  JobID,
  JobVersion: z.int().describe('The new version.'),
  EvaluationID,
  Warnings,
});
export type RerunJobResponse = z.infer<typeof RerunJobResponse>;

export const DiffJobResponse = z.object({
  Diff: z.string().describe('Empty when nothing differs; else lines that begin with a blank, `-` or `+`.'),
  Warnings,
});
export type DiffJobResponse = z.infer<typeof DiffJobResponse>;

export const StopJobRequest = z.object({
  Namespace: z.string().optional().describe('Where the name is looked up; overrides the query.'),
  Reason: z.string().optional().describe('Shown as the job’s state message; overrides the query.'),
});
