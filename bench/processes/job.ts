/** What of a job differs from one bench to the next. */
export interface JobPlan {
  /** Default `batch`. */
  readonly type?: string;
  /** Partitions or copies; default 1. */
  readonly count?: number;
  /** Cores; default 0.1. */
  readonly cpu?: number;
  /** Bytes; default a megabyte. */
  readonly memory?: number;
  readonly constraints?: readonly Constraint[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly network?: string;
  readonly image?: string;
  readonly entrypoint?: readonly string[];
}

export interface Constraint {
  readonly Key: string;
  readonly Operator: string;
  readonly Values: readonly string[];
}

/** Only nodes that carry all these labels. */
export function wanting(labels: Readonly<Record<string, string>>): Constraint[] {
  return Object.entries(labels).map(([Key, value]) => ({ Key, Operator: '=', Values: [value] }));
}

/** The text of a submission. */
export function jobBody(plan: JobPlan): string {
  const { type = 'batch', count = 1, cpu = 0.1, memory = 1e6, image = 'none' } = plan;
  const params = { Image: image, ...(plan.entrypoint !== undefined && { Entrypoint: plan.entrypoint }) };
  const task = {
    Name: 'main',
    Engine: { Type: 'docker', Params: params },
    Resources: { CPU: String(cpu), Memory: `${memory}b` },
    ...(plan.network !== undefined && { Network: { Type: plan.network } }),
  };
  const counted = type === 'batch' || type === 'service';
  return JSON.stringify({
    Job: {
      Type: type,
      ...(counted && { Count: count }),
      ...(plan.name !== undefined && { Name: plan.name }),
      ...(plan.labels !== undefined && { Labels: plan.labels }),
      ...(plan.constraints !== undefined && { Constraints: plan.constraints }),
      Tasks: [task],
    },
  });
}
