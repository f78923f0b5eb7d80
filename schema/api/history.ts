import { z } from 'zod';
import { eventTypes } from '../states.ts';
import { Time } from './common.ts';

export const Event = z
  .object({
    Message: z.string().describe('For people.'),
    Topic: z.string().describe('What it is about, such as `Scheduling`.'),
    Timestamp: Time,
    Details: z.record(z.string(), z.string()).optional().describe('More, by name; left out when there is none.'),
  })
  .describe('What happened.');

export const JobHistory = z
  .object({
    SeqNum: z.int().describe('From 1, ascending in the order in which things happened.'),
    Type: z.enum(eventTypes).describe('Whether it is about the job or about one execution.'),
    JobID: z.string().describe('Whose history it is.'),
    JobVersion: z.int().describe('The version that it happened to.'),
    ExecutionID: z.string().optional().describe('Left out for an event of the job itself.'),
    JobState: z.object({}).optional().describe('Empty, for clients older than 1.5: they crash without it.'),
    ExecutionState: z.object({}).optional().describe('Empty, for clients older than 1.5: they crash without it.'),
    Event,
    Time,
  })
  .describe('An event in the history of a job.');
export type JobHistory = z.infer<typeof JobHistory>;

export const ListHistoryResponse = z.object({
  NextToken: z.string().describe('Stays until the job has ended and all was read: clients poll with it. Then empty.'),
  Items: z.array(JobHistory).describe('The oldest first.'),
});
export type ListHistoryResponse = z.infer<typeof ListHistoryResponse>;
