import { randomUUID } from 'node:crypto';
import type { Installation } from '../trees/installation.ts';
import type { AgentsProcess } from './agents.ts';
import type { GeneratorProcess } from './generator.ts';
import { Peer } from './rpc.ts';
import type { NodePlan } from './wire.ts';

/** A process of clients and one of fake agents, beside an installation. */
export class Load {
  readonly agents = new Peer<AgentsProcess>('./agents.ts');
  readonly generator = new Peer<GeneratorProcess>('./generator.ts');

  /** @param plan of each node */
  async join({ url }: Installation, nodes: number, plan: Omit<NodePlan, 'nodeId'> = {}): Promise<void> {
    const plans = Array.from({ length: nodes }, () => ({ ...plan, nodeId: `n-${randomUUID()}` }));
    await this.agents.call('join', { url, nodes: plans });
  }

  close(): void {
    this.agents.close();
    this.generator.close();
  }
}

/** Starts both, and ends all of it when preparing fails. */
export async function withLoad<T>(
  installation: Promise<Installation>,
  prepare: (installation: Installation, load: Load) => Promise<T>,
): Promise<{ installation: Installation; load: Load; prepared: T; close: () => Promise<void> }> {
  const started = await installation;
  const load = new Load();
  const close = async () => {
    load.close();
    await started.close();
  };
  try {
    return { installation: started, load, prepared: await prepare(started, load), close };
  } catch (error) {
    await close();
    throw error;
  }
}
