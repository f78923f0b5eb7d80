import { z } from 'zod';
import { MAX_JOB_LIST, MAX_TASKS } from '../limits.ts';
import {
  Constraint,
  InputSource,
  JobSpec,
  NetworkConfig,
  networkTypes,
  PortMapping,
  ResourcesConfig,
  ResultPath,
  SpecConfig,
  Task,
  TimeoutConfig,
  type NetworkType,
} from './job.ts';

/**
 * A submission as users write it, after `foldKeys`: every key may be missing. What is checked here is the JSON type of
 * each field; what the values mean is checked in `validate-*.ts`, so that all problems are told at once.
 */

const text = z.string().optional();
const texts = z.array(z.string()).optional();
const textMap = z.record(z.string(), z.string()).optional();
/** Fields that Shoal keeps itself may exceed 53 bits; only whether they are set matters. */
const anyNumber = z.number().optional();
const kept = 'Kept by the server: ignored.';

/** A field says of itself, as users write it, what it says as it is stored. */
function like<S extends z.core.$ZodLooseShape>({ shape }: z.ZodObject, written: S): z.ZodObject<S> {
  const said = Object.entries(written as Readonly<Record<string, z.ZodType>>).map(([name, field]) => {
    const { description } = (shape[name] as z.ZodType | undefined) ?? {};
    return [name, description === undefined ? field : field.describe(description)];
  });
  return z.object(Object.fromEntries(said) as S);
}

const SpecConfigInput = like(SpecConfig, { Type: text, Params: z.record(z.string(), z.unknown()).optional() });
export type SpecConfigInput = z.infer<typeof SpecConfigInput>;

const ConstraintInput = like(Constraint, { Key: text, Operator: text, Values: texts });
export type ConstraintInput = z.infer<typeof ConstraintInput>;

const ResourcesInput = like(ResourcesConfig, { CPU: text, Memory: text, Disk: text, GPU: text });

const PortInput = like(PortMapping, {
  Name: text,
  Static: z.int().optional(),
  Target: z.int().optional(),
  HostNetwork: text,
});
export type PortInput = z.infer<typeof PortInput>;

const networkTypeByName = new Map<string, NetworkType>(networkTypes.map((type) => [type.toLowerCase(), type]));

/** The network type that a text names, whatever its case and blanks; null when there is none. */
export function readNetworkType(given: string): NetworkType | null {
  return networkTypeByName.get(given.trim().toLowerCase()) ?? null;
}

const NetworkInput = like(NetworkConfig, {
  Type: z
    .string()
    .refine((type) => readNetworkType(type) !== null, `one of ${networkTypes.join(', ')}`)
    .optional(),
  Domains: z.array(z.string()).max(MAX_JOB_LIST).optional(),
  Ports: z.array(PortInput).max(MAX_JOB_LIST).optional(),
});
export type NetworkInput = z.infer<typeof NetworkInput>;

const seconds = z.int().optional();
const TimeoutsInput = like(TimeoutConfig, { ExecutionTimeout: seconds, QueueTimeout: seconds, TotalTimeout: seconds });
export type TimeoutsInput = z.infer<typeof TimeoutsInput>;

export const InputSourceInput = like(InputSource, { Source: SpecConfigInput.optional(), Alias: text, Target: text });
export type InputSourceInput = z.infer<typeof InputSourceInput>;

const ResultPathInput = like(ResultPath, { Name: text, Path: text });
export type ResultPathInput = z.infer<typeof ResultPathInput>;

const TaskInput = like(Task, {
  Name: text,
  Engine: SpecConfigInput.optional(),
  Publisher: SpecConfigInput.optional(),
  Env: textMap,
  Meta: textMap,
  InputSources: z.array(InputSourceInput).max(MAX_JOB_LIST).optional(),
  ResultPaths: z.array(ResultPathInput).max(MAX_JOB_LIST).optional(),
  Resources: ResourcesInput.optional(),
  ResourcesConfig: ResourcesInput.optional().describe('How some documents spell `Resources`.'),
  Network: NetworkInput.optional(),
  Timeouts: TimeoutsInput.optional(),
});
export type TaskInput = z.infer<typeof TaskInput>;

const JobInput = like(JobSpec, {
  ID: text.describe('Of a service or daemon: the id that it shall have.'),
  Name: text,
  Namespace: text,
  Type: text,
  Priority: z.int().optional(),
  Count: z.int().optional(),
  Constraints: z.array(ConstraintInput).max(MAX_JOB_LIST).optional(),
  Meta: textMap,
  Labels: textMap,
  Tasks: z.array(TaskInput).max(MAX_TASKS).optional(),
  State: z
    .object({ StateType: text.describe(kept) })
    .optional()
    .describe(kept),
  Version: anyNumber.describe(kept),
  Revision: anyNumber.describe(kept),
  CreateTime: anyNumber.describe(kept),
  ModifyTime: anyNumber.describe(kept),
});
export type JobInput = z.infer<typeof JobInput>;

/** The body of a submission. */
export const SubmissionInput = z
  .object({
    Job: JobInput.optional().describe('What shall run.'),
    Force: z.boolean().optional().describe('Begins a new version although nothing differs.'),
    IdempotencyToken: text.describe(
      'A text of the client’s own: sent again with the same job it is the same submission.',
    ),
  })
  .describe('A job to be submitted.');
