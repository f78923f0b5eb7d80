import { z } from 'zod';
import { ExecutionId, NodeId } from '../ids.ts';
import { MAX_HOLDS_PER_FRAME, MAX_HOSTNAME_CHARS } from '../limits.ts';
import { Resources } from '../job/job.ts';
import { Offers } from '../offers.ts';
import { Phases } from '../phases.ts';
import { Failure, Held, Message, Output } from './common.ts';
import type { FrameSchema } from './frames.ts';

/** Says who the node is, what it offers and what it holds. The first frame of every connection. */
export const Hello = z.object({
  type: z.literal('hello'),
  protocol: z.int().positive(),
  nodeId: NodeId,
  /** Random per process of the agent: two of them under one identity are told apart by it. */
  agentInstance: z.string().min(1).max(64),
  agentVersion: z.string().max(64),
  os: z.string().max(64),
  arch: z.string().max(64),
  /** What the machine calls itself. Absent before version 3. */
  hostname: z.string().max(MAX_HOSTNAME_CHARS).optional(),
  labels: z.record(z.string().max(320), z.string().max(1024)),
  engines: z.array(z.string().max(64)).max(32),
  publishers: z.array(z.string().max(64)).max(32),
  sources: z.array(z.string().max(64)).max(32),
  capacity: Resources,
  /** Absent before version 3: then only its declines tell. */
  offers: Offers.optional(),
  holds: z.array(Held).max(MAX_HOLDS_PER_FRAME),
  /** True when `holds` frames with the rest follow; nothing is decided before the last of them. */
  more: z.boolean(),
});
export type Hello = z.infer<typeof Hello>;

/** Goes on with the list of a `hello`. */
export const Holds = z.object({
  type: z.literal('holds'),
  holds: z.array(Held).max(MAX_HOLDS_PER_FRAME),
  more: z.boolean(),
});
export type Holds = z.infer<typeof Holds>;

/** The agent took the execution and has written it to its journal. */
export const Ack = z.object({ type: z.literal('ack'), executionId: ExecutionId });
export type Ack = z.infer<typeof Ack>;

/** The agent declines the execution and will never run it. */
export const Reject = z.object({ type: z.literal('reject'), executionId: ExecutionId, reason: Message });
export type Reject = z.infer<typeof Reject>;

const report = z.object({
  type: z.literal('report'),
  executionId: ExecutionId,
  /** From 1 per execution; each report is sent again until it is acknowledged. */
  seq: z.int().positive(),
  /** How long each part of it took; with its end. Absent before version 3. */
  phases: Phases.optional(),
});

/** What became of an execution. Terminal states carry their outcome. */
export const Report = z.discriminatedUnion('state', [
  report.extend({ state: z.literal('Running') }),
  report.extend({ state: z.literal('Publishing') }),
  report.extend({ state: z.literal('Completed'), output: Output }),
  report.extend({ state: z.literal('Failed'), failure: Failure, output: Output.nullable() }),
  /** With what a task printed that ran before it was stopped. */
  report.extend({ state: z.literal('Cancelled'), message: Message, output: Output.nullable().optional() }),
]);
export type Report = z.infer<typeof Report>;

/** What the node offers has changed. */
export const Capacity = z.object({
  type: z.literal('capacity'),
  labels: z.record(z.string().max(320), z.string().max(1024)),
  engines: z.array(z.string().max(64)).max(32),
  publishers: z.array(z.string().max(64)).max(32),
  sources: z.array(z.string().max(64)).max(32),
  capacity: Resources,
  offers: Offers.optional(),
});
export type Capacity = z.infer<typeof Capacity>;

/** The agent goes away on purpose; its tasks have ended or are reported. */
export const Bye = z.object({ type: z.literal('bye'), reason: Message });
export type Bye = z.infer<typeof Bye>;

const FromAgent = z.discriminatedUnion('type', [Hello, Holds, Ack, Reject, Report, Capacity, Bye]);
export type FromAgent = z.infer<typeof FromAgent>;

export const fromAgent: FrameSchema<FromAgent> = {
  schema: FromAgent,
  types: { hello: true, holds: true, ack: true, reject: true, report: true, capacity: true, bye: true },
};
