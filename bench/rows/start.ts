import { randomUUID } from 'node:crypto';
import { now } from '../processes/clock.ts';
import { jobBody, wanting, type JobPlan } from '../processes/job.ts';
import { withLoad, type Load } from '../processes/load.ts';
import type { NodePlan } from '../processes/wire.ts';
import { quantile } from '../report/statistics.ts';
import type { Row, Values } from '../row.ts';
import { Installation } from '../trees/installation.ts';

/**
 * How soon a task starts: from the sending of a submit, from the dialling of a node that a job waits for, and from the
 * sending of an approval until a node is asked to run it. And how soon a node that is rejected is told to stop.
 */

const TIMES = { submits: 100, joins: 20, approvals: 20 };
/** What the design promises. */
const WITHIN_MS = 250;

type Key = 'submit' | 'join' | 'approval' | 'daemon' | 'rejection';

const within = (name: string) => ({ name, unit: 'ms', better: 'less', target: WITHIN_MS }) as const;

export const start = {
  name: 'start',
  measures: {
    submit: within('a task starts after its submit, p99'),
    join: within('after a node that it waits for dials, p99'),
    approval: within('after its node is approved, p99'),
    daemon: within("after its node is approved, a daemon job's, p99"),
    rejection: within('a rejected node is told to stop, p99'),
  },
  rounds: { full: 3, quick: 1 },
  deadlineMs: 60_000,
  async open(tree) {
    const vars = { SHOAL_NODE_APPROVAL: 'manual' };
    const { installation, load, close } = await withLoad(Installation.start(tree, { vars }), async () => {});
    const bench = new Starts(installation, load);
    return { round: () => bench.round(), close };
  },
} satisfies Row<Key>;

class Starts {
  readonly #installation: Installation;
  readonly #agents: Load['agents'];

  constructor(installation: Installation, { agents }: Load) {
    this.#installation = installation;
    this.#agents = agents;
  }

  async round(): Promise<Values<Key>> {
    const p99 = (took: readonly number[]) => quantile(took, 0.99);
    const [submit, join] = [p99(await this.#submits()), p99(await this.#joins())];
    const { approval, daemon, rejection } = await this.#approvals();
    return { submit, join, approval: p99(approval), daemon: p99(daemon), rejection: p99(rejection) };
  }

  /** One connected node, jobs that end at once. */
  async #submits(): Promise<number[]> {
    await this.#agents.call('behave', { ending: 'at once' });
    const node = await this.#approved({});
    const took: number[] = [];
    await this.#untilHeard('run', () => this.#submit({}));
    for (let i = 0; i < TIMES.submits; i++) took.push(await this.#untilHeard('run', () => this.#submit({})));
    await this.#leave(node);
    return took;
  }

  /** A node that was approved before comes back, and some job has waited for its label. */
  async #joins(): Promise<number[]> {
    const took: number[] = [];
    for (let i = 0; i < TIMES.joins; i++) {
      const labels = { join: randomUUID() };
      const node = await this.#approved(labels);
      await this.#leave(node);
      await this.#queued(await this.#submit({ constraints: wanting(labels) }));
      took.push(await this.#untilHeard('run', () => this.#join(node)));
      await this.#leave(node);
    }
    return took;
  }

  /** A node that nobody approved yet, a job that waits for it and a daemon job that wants to be everywhere. */
  async #approvals() {
    await this.#agents.call('behave', { ending: 'when let go' });
    const took: Record<'approval' | 'daemon' | 'rejection', number[]> = { approval: [], daemon: [], rejection: [] };
    for (let i = 0; i < TIMES.approvals; i++) {
      const labels = { approval: randomUUID() };
      const node = { nodeId: `n-${randomUUID()}`, labels };
      await this.#join(node);
      const waiting = await this.#submit({ constraints: wanting(labels) });
      const everywhere = await this.#submit({ constraints: wanting(labels), type: 'daemon' });
      await this.#queued(waiting);
      const after = now();
      await this.#change(node, 'approve');
      const arrival = (jobId: string) => this.#agents.call('arrival', { type: 'run', jobId, after });
      took.approval.push((await arrival(waiting)) - after);
      took.daemon.push((await arrival(everywhere)) - after);
      took.rejection.push(await this.#untilHeard('stop', () => this.#change(node, 'reject')));
      await Promise.all([waiting, everywhere].map((id) => this.#installation.client.delete(`/jobs/${id}`)));
      await this.#leave(node);
    }
    return took;
  }

  /** From now until the next frame of this type, ms. */
  async #untilHeard(type: 'run' | 'stop', act: () => Promise<unknown>): Promise<number> {
    const after = now();
    await act();
    return (await this.#agents.call('arrival', { type, after })) - after;
  }

  async #approved(labels: Readonly<Record<string, string>>): Promise<NodePlan> {
    const node = { nodeId: `n-${randomUUID()}`, labels };
    await this.#join(node);
    await this.#change(node, 'approve');
    return node;
  }

  async #join(node: NodePlan): Promise<void> {
    await this.#agents.call('join', { url: this.#installation.url, nodes: [node] });
  }

  /** Also forgets what was heard. */
  async #leave({ nodeId }: NodePlan): Promise<void> {
    await this.#agents.call('leave', { nodeId });
    await this.#agents.call('begin', undefined);
  }

  async #change({ nodeId }: NodePlan, action: string): Promise<void> {
    await this.#installation.client.put(`/nodes/${nodeId}`, { Action: action });
  }

  #submit(plan: JobPlan): Promise<string> {
    return this.#installation.client.submit(jobBody(plan));
  }

  async #queued(jobId: string): Promise<void> {
    while ((await this.#installation.client.job(jobId)).state !== 'Queued');
  }
}
