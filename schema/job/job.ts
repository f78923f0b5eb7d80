import { z } from 'zod';
import { jobTypes } from '../states.ts';

/**
 * The job document as it is stored and shown: Bacalhau's keys, already normalised. What users send is looser and passes
 * `parse-submission.ts` first. Keys that are optional here are left out of the JSON when empty.
 * @see Bacalhau pkg/models/job.go, task.go
 */

/** `{"Type":"docker","Params":{...}}`; `Params` is absent when empty. */
export const SpecConfig = z.object({
  Type: z.string(),
  Params: z.record(z.string(), z.unknown()).optional(),
});
export type SpecConfig = z.infer<typeof SpecConfig>;

/** How a constraint compares a node's label; an unknown one is refused at submission. */
export const constraintOperators = ['=', '==', 'in', '!=', 'notin', 'exists', '!', 'gt', 'lt'] as const;
export type ConstraintOperator = (typeof constraintOperators)[number];

export const Constraint = z.object({
  Key: z.string(),
  Operator: z.string(),
  Values: z.array(z.string()).optional(),
});
export type Constraint = z.infer<typeof Constraint>;

/** Amounts as text: CPU `500m` or `0.5`, Memory and Disk `512mb` or `1gib`, GPU `1`. */
export const ResourcesConfig = z.object({
  CPU: z.string().optional(),
  Memory: z.string().optional(),
  Disk: z.string().optional(),
  GPU: z.string().optional(),
});
export type ResourcesConfig = z.infer<typeof ResourcesConfig>;

export const networkTypes = ['Default', 'None', 'Host', 'Full', 'HTTP', 'Bridge'] as const;
export type NetworkType = (typeof networkTypes)[number];

export const PortMapping = z.object({
  Name: z.string(),
  Static: z.int().optional(),
  Target: z.int().optional(),
  HostNetwork: z.string().optional(),
});

export const NetworkConfig = z.object({
  Type: z.enum(networkTypes),
  Domains: z.array(z.string()).optional(),
  Ports: z.array(PortMapping).optional(),
});
export type NetworkConfig = z.infer<typeof NetworkConfig>;

/** Whole seconds; absent means none. */
export const TimeoutConfig = z.object({
  ExecutionTimeout: z.int().nonnegative().optional(),
  QueueTimeout: z.int().nonnegative().optional(),
  TotalTimeout: z.int().nonnegative().optional(),
});
export type TimeoutConfig = z.infer<typeof TimeoutConfig>;

export const InputSource = z.object({
  Source: SpecConfig,
  Alias: z.string(),
  Target: z.string(),
});
export type InputSource = z.infer<typeof InputSource>;

export const ResultPath = z.object({ Name: z.string(), Path: z.string() });
export type ResultPath = z.infer<typeof ResultPath>;

export const Task = z.object({
  Name: z.string(),
  Engine: SpecConfig,
  Publisher: SpecConfig,
  Env: z.record(z.string(), z.string()).optional(),
  Meta: z.record(z.string(), z.string()).optional(),
  InputSources: z.array(InputSource).optional(),
  ResultPaths: z.array(ResultPath).optional(),
  Resources: ResourcesConfig,
  Network: NetworkConfig,
  Timeouts: TimeoutConfig,
});
export type Task = z.infer<typeof Task>;

/** What one version of a job asks for: everything a user may set, without the fields that Shoal keeps. */
export const JobSpec = z.object({
  Name: z.string(),
  Namespace: z.string(),
  Type: z.enum(jobTypes),
  Priority: z.int(),
  Count: z.int().nonnegative(),
  Constraints: z.array(Constraint),
  Meta: z.record(z.string(), z.string()),
  Labels: z.record(z.string(), z.string()),
  /** Exactly one today. */
  Tasks: z.tuple([Task]),
});
export type JobSpec = z.infer<typeof JobSpec>;

/** Amounts as numbers, in frames, rows and records alike; what is absent in the text is 0. Their sums: `amounts.ts`. */
export const Resources = z.object({
  /** Cores, may be a fraction. */
  cpu: z.number().nonnegative(),
  /** Bytes. */
  memory: z.number().nonnegative(),
  /** Bytes. */
  disk: z.number().nonnegative(),
  gpu: z.int().nonnegative(),
});
export type Resources = Readonly<z.infer<typeof Resources>>;
