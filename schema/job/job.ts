import { z } from 'zod';
import { jobTypes } from '../states.ts';

/**
 * The job document as it is stored and shown: Bacalhau's keys, already normalised. What users send is looser and passes
 * `parse-submission.ts` first. Keys that are optional here are left out of the JSON when empty.
 * @see Bacalhau pkg/models/job.go, task.go
 */

/** `{"Type":"docker","Params":{...}}`; `Params` is absent when empty. */
export const SpecConfig = z
  .object({
    Type: z.string().describe('Which one, such as `docker`; empty for none.'),
    Params: z.record(z.string(), z.unknown()).optional().describe('What it asks for; left out when empty.'),
  })
  .describe('A kind of engine, publisher or source with its parameters.');
export type SpecConfig = z.infer<typeof SpecConfig>;

/** How a constraint compares a node's label; an unknown one is refused at submission. */
export const constraintOperators = ['=', '==', 'in', '!=', 'notin', 'exists', '!', 'gt', 'lt'] as const;
export type ConstraintOperator = (typeof constraintOperators)[number];

export const Constraint = z.object({
  Key: z.string().describe('A label of nodes.'),
  Operator: z.string().describe(`How it is compared: one of \`${constraintOperators.join('`, `')}\`.`),
  Values: z.array(z.string()).optional().describe('What it is compared with.'),
});
export type Constraint = z.infer<typeof Constraint>;

/** Amounts as text: CPU `500m` or `0.5`, Memory and Disk `512mb` or `1gib`, GPU `1`. */
export const ResourcesConfig = z.object({
  CPU: z.string().optional().describe('Cores, such as `0.5` or `500m`.'),
  Memory: z.string().optional().describe('An amount such as `512mb` or `1gib`.'),
  Disk: z.string().optional().describe('An amount such as `512mb` or `1gib`.'),
  GPU: z.string().optional().describe('Graphics cards, such as `1`.'),
});
export type ResourcesConfig = z.infer<typeof ResourcesConfig>;

export const networkTypes = ['Default', 'None', 'Host', 'Full', 'HTTP', 'Bridge'] as const;
export type NetworkType = (typeof networkTypes)[number];

export const PortMapping = z.object({
  Name: z.string().describe('Unique in the task; its number is in the variable `BACALHAU_PORT_<name>`.'),
  Static: z.int().optional().describe('The port of the machine; chosen by the node when absent.'),
  Target: z.int().optional().describe('The port in the container; the same as of the machine when absent.'),
  HostNetwork: z.string().optional().describe('The address of the machine at which it listens.'),
});

export const NetworkConfig = z.object({
  Type: z.enum(networkTypes).describe('What the task may reach.'),
  Domains: z.array(z.string()).optional().describe('Of `HTTP`: the domains that it may reach.'),
  Ports: z.array(PortMapping).optional().describe('At which it may be reached.'),
});
export type NetworkConfig = z.infer<typeof NetworkConfig>;

/** Whole seconds; absent means none. */
export const TimeoutConfig = z.object({
  ExecutionTimeout: z.int().nonnegative().optional().describe('Seconds that one execution may run.'),
  QueueTimeout: z.int().nonnegative().optional().describe('Seconds that the job may wait for a node.'),
  TotalTimeout: z.int().nonnegative().optional().describe('Seconds from the submission to the end, whatever happens.'),
});
export type TimeoutConfig = z.infer<typeof TimeoutConfig>;

export const InputSource = z.object({
  Source: SpecConfig.describe('Where it comes from.'),
  Alias: z.string().describe('A name for it.'),
  Target: z.string().describe('The absolute path in the container at which it stands.'),
});
export type InputSource = z.infer<typeof InputSource>;

export const ResultPath = z.object({
  Name: z.string().describe('What the result is called.'),
  Path: z.string().describe('The absolute path in the container.'),
});
export type ResultPath = z.infer<typeof ResultPath>;

export const Task = z
  .object({
    Name: z.string().describe('What the task is called.'),
    Engine: SpecConfig.describe('What runs it: of `docker` the parameters are `Image`, `Entrypoint` and others.'),
    Publisher: SpecConfig.describe('Where its results go.'),
    Env: z.record(z.string(), z.string()).optional().describe('Variables that it is started with.'),
    Meta: z.record(z.string(), z.string()).optional().describe('Notes of its user, without effect.'),
    InputSources: z.array(InputSource).optional().describe('What it finds in its container.'),
    ResultPaths: z.array(ResultPath).optional().describe('What of its container is published.'),
    Resources: ResourcesConfig.describe('What one execution needs of a node.'),
    Network: NetworkConfig.describe('What it may reach, and how it is reached.'),
    Timeouts: TimeoutConfig.describe('How long it may take.'),
  })
  .describe('What one execution runs.');
export type Task = z.infer<typeof Task>;

/** What one version of a job asks for: everything a user may set, without the fields that Shoal keeps. */
export const JobSpec = z.object({
  Name: z.string().describe('Unique in its namespace: the same name again is a new version of the job.'),
  Namespace: z.string().describe('Whose the job is; `default` when absent.'),
  Type: z
    .enum(jobTypes)
    .describe('`batch` runs to completion, `service` is kept up, `ops` and `daemon` do so on every node that fits.'),
  Priority: z.int().describe('Jobs with a higher one start first; 0 when absent.'),
  Count: z.int().nonnegative().describe('How many executions, each with a partition of its own.'),
  Constraints: z.array(Constraint).describe('What the labels of a node must meet; all of them.'),
  Meta: z.record(z.string(), z.string()).describe('Notes of its user, and of who took it in.'),
  Labels: z.record(z.string(), z.string()).describe('By which jobs are found.'),
  /** Exactly one today. */
  Tasks: z.tuple([Task]).describe('Exactly one.'),
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
