import { z } from 'zod';
import { eventTypes } from '../states.ts';
import { NextToken, Time } from './common.ts';

export const Event = z.object({
  Message: z.string(),
  Topic: z.string(),
  Timestamp: Time,
  Details: z.record(z.string(), z.string()).optional(),
});

export const JobHistory = z.object({
  SeqNum: z.int(),
  Type: z.enum(eventTypes),
  JobID: z.string(),
  JobVersion: z.int(),
  /** Left out for an event of the job itself. */
  ExecutionID: z.string().optional(),
  /** Empty objects, for clients older than 1.5: they crash without them. */
  JobState: z.object({}).optional(),
  ExecutionState: z.object({}).optional(),
  Event,
  Time,
});
export type JobHistory = z.infer<typeof JobHistory>;

/** The token stays until the job has ended and all was read: clients poll with it. */
export const ListHistoryResponse = z.object({ NextToken, Items: z.array(JobHistory) });
export type ListHistoryResponse = z.infer<typeof ListHistoryResponse>;
