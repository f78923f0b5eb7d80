import { z } from 'zod';
import { MAX_JOB_LIST, MAX_TASKS } from '../limits.ts';
import { networkTypes, type NetworkType } from './job.ts';

/**
 * A submission as users write it, after `foldKeys`: every key may be missing. What is checked here is the JSON type of
 * each field; what the values mean is checked in `validate-*.ts`, so that all problems are told at once.
 */

const text = z.string().optional();
const texts = z.array(z.string()).optional();
const textMap = z.record(z.string(), z.string()).optional();
/** Fields that Shoal keeps itself may exceed 53 bits; only whether they are set matters. */
const anyNumber = z.number().optional();

const SpecConfigInput = z.object({ Type: text, Params: z.record(z.string(), z.unknown()).optional() });
export type SpecConfigInput = z.infer<typeof SpecConfigInput>;

const ConstraintInput = z.object({ Key: text, Operator: text, Values: texts });
export type ConstraintInput = z.infer<typeof ConstraintInput>;

const ResourcesInput = z.object({ CPU: text, Memory: text, Disk: text, GPU: text });

const PortInput = z.object({ Name: text, Static: z.int().optional(), Target: z.int().optional(), HostNetwork: text });
export type PortInput = z.infer<typeof PortInput>;

const networkTypeByName = new Map<string, NetworkType>(networkTypes.map((type) => [type.toLowerCase(), type]));

/** The network type that a text names, whatever its case and blanks; null when there is none. */
export function readNetworkType(given: string): NetworkType | null {
  return networkTypeByName.get(given.trim().toLowerCase()) ?? null;
}

const NetworkInput = z.object({
  Type: z
    .string()
    .refine((type) => readNetworkType(type) !== null, `one of ${networkTypes.join(', ')}`)
    .optional(),
  Domains: z.array(z.string()).max(MAX_JOB_LIST).optional(),
  Ports: z.array(PortInput).max(MAX_JOB_LIST).optional(),
});
export type NetworkInput = z.infer<typeof NetworkInput>;

const seconds = z.int().optional();
const TimeoutsInput = z.object({ ExecutionTimeout: seconds, QueueTimeout: seconds, TotalTimeout: seconds });
export type TimeoutsInput = z.infer<typeof TimeoutsInput>;

export const InputSourceInput = z.object({ Source: SpecConfigInput.optional(), Alias: text, Target: text });
export type InputSourceInput = z.infer<typeof InputSourceInput>;

const ResultPathInput = z.object({ Name: text, Path: text });
export type ResultPathInput = z.infer<typeof ResultPathInput>;

const TaskInput = z.object({
  Name: text,
  Engine: SpecConfigInput.optional(),
  Publisher: SpecConfigInput.optional(),
  Env: textMap,
  Meta: textMap,
  InputSources: z.array(InputSourceInput).max(MAX_JOB_LIST).optional(),
  ResultPaths: z.array(ResultPathInput).max(MAX_JOB_LIST).optional(),
  Resources: ResourcesInput.optional(),
  /** How some documents spell `Resources`. */
  ResourcesConfig: ResourcesInput.optional(),
  Network: NetworkInput.optional(),
  Timeouts: TimeoutsInput.optional(),
});
export type TaskInput = z.infer<typeof TaskInput>;

const JobInput = z.object({
  ID: text,
  Name: text,
  Namespace: text,
  Type: text,
  Priority: z.int().optional(),
  Count: z.int().optional(),
  Constraints: z.array(ConstraintInput).max(MAX_JOB_LIST).optional(),
  Meta: textMap,
  Labels: textMap,
  Tasks: z.array(TaskInput).max(MAX_TASKS).optional(),
  State: z.object({ StateType: text }).optional(),
  Version: anyNumber,
  Revision: anyNumber,
  CreateTime: anyNumber,
  ModifyTime: anyNumber,
});
export type JobInput = z.infer<typeof JobInput>;

/** The body of a submission. */
export const SubmissionInput = z.object({
  Job: JobInput.optional(),
  Force: z.boolean().optional(),
  IdempotencyToken: text,
});
