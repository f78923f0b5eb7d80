import { z } from 'zod';
import { SpecConfig } from '../job/job.ts';
import { Phases } from '../phases.ts';
import { computeStates, desiredStates } from '../states.ts';
import { Amounts, NextToken } from './common.ts';
import { Nanos } from './raw-integer.ts';

/** The integer of a state is its place in the list of states. */
function state(count: number) {
  return z.object({
    StateType: z
      .int()
      .nonnegative()
      .max(count - 1),
    Message: z.string().optional(),
  });
}

/** Mixed casing as in Bacalhau. Always an object, with zero values until the task has ended. */
export const RunOutput = z.object({
  Stdout: z.string(),
  StdoutTruncated: z.boolean(),
  stderr: z.string(),
  StderrTruncated: z.boolean(),
  ExitCode: z.int(),
  ErrorMsg: z.string(),
});

export const Execution = z.object({
  ID: z.string(),
  Namespace: z.string(),
  EvalID: z.string(),
  Name: z.string(),
  NodeID: z.string(),
  JobID: z.string(),
  JobVersion: z.int(),
  /** Left out when 0. */
  PartitionIndex: z.int().optional(),
  AllocatedResources: z.object({ Tasks: z.record(z.string(), Amounts) }),
  DesiredState: state(desiredStates.length),
  ComputeState: state(computeStates.length),
  PublishedResult: SpecConfig,
  RunOutput,
  /** How long each part of it took, in ms. Shoal's own; left out until it has ended, and where its agent does not say it. */
  Phases: Phases.optional(),
  PreviousExecution: z.string(),
  NextExecution: z.string(),
  FollowupEvalID: z.string(),
  Revision: z.int(),
  CreateTime: Nanos,
  ModifyTime: Nanos,
});
export type Execution = z.infer<typeof Execution>;

export const ListExecutionsResponse = z.object({ NextToken, Items: z.array(Execution) });
export type ListExecutionsResponse = z.infer<typeof ListExecutionsResponse>;
