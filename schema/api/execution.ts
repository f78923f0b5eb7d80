import { z } from 'zod';
import { SpecConfig } from '../job/job.ts';
import { Phases } from '../phases.ts';
import { computeStates, desiredStates } from '../states.ts';
import { Amounts, NextToken } from './common.ts';
import { Nanos } from './raw-integer.ts';

/** The integer of a state is its place in the list of states. */
function state(names: readonly string[]) {
  return z.object({
    StateType: z
      .int()
      .nonnegative()
      .max(names.length - 1)
      .describe(names.map((name, i) => `${i} ${name}`).join(', ')),
    Message: z.string().optional().describe('Why it is so.'),
  });
}

/** Mixed casing as in Bacalhau. Always an object, with zero values until the task has ended. */
export const RunOutput = z
  .object({
    Stdout: z.string().describe('The beginning of what it printed.'),
    StdoutTruncated: z.boolean().describe('There was more: see the log.'),
    stderr: z.string().describe('The beginning of what it printed as errors.'),
    StderrTruncated: z.boolean().describe('There was more: see the log.'),
    ExitCode: z.int().describe('Of the task.'),
    ErrorMsg: z.string().describe('Why it could not be run to its end.'),
  })
  .describe('How the task ended; zero values until then.');

export const Execution = z
  .object({
    ID: z.string().describe('Of the execution.'),
    Namespace: z.string().describe('The job’s.'),
    EvalID: z.string().describe('The command that it was made by.'),
    Name: z.string().describe('Always empty.'),
    NodeID: z.string().describe('The node that it is on.'),
    JobID: z.string().describe('Whose execution it is.'),
    JobVersion: z.int().describe('The version of the job that it runs.'),
    PartitionIndex: z.int().optional().describe('Which of the job’s partitions, from 0; left out when 0.'),
    AllocatedResources: z
      .object({ Tasks: z.record(z.string(), Amounts).describe('By the name of the task.') })
      .describe('What is kept for it on its node.'),
    DesiredState: state(desiredStates).describe('What the orchestrator wants of it.'),
    ComputeState: state(computeStates).describe('How it stands on its node.'),
    PublishedResult: SpecConfig.describe('Where its results are.'),
    RunOutput,
    Phases: Phases.optional().describe(
      'How long each part of it took, in ms. Shoal’s own; left out until it has ended, and where its agent does not say it.',
    ),
    PreviousExecution: z.string().describe('Always empty.'),
    NextExecution: z.string().describe('Always empty.'),
    FollowupEvalID: z.string().describe('Always empty.'),
    Revision: z.int().describe('How often it has changed, from 1.'),
    CreateTime: Nanos,
    ModifyTime: Nanos,
  })
  .describe('One try to run a partition of a job on a node.');
export type Execution = z.infer<typeof Execution>;

export const ListExecutionsResponse = z.object({
  NextToken,
  Items: z.array(Execution).describe('In the order that was asked for.'),
});
export type ListExecutionsResponse = z.infer<typeof ListExecutionsResponse>;
