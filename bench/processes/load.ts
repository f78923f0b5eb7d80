import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '../trees/installation.ts';
import type { AgentsProcess } from './agents.ts';
import type { GeneratorProcess } from './generator.ts';
import { Peer } from './rpc.ts';
import type { NodePlan } from './wire.ts';

const CLOSE_MS = 20_000;

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

export interface Loaded<T> {
  readonly installation: Installation;
  readonly load: Load;
  readonly prepared: T;
  /** Ends all of it; may be called again. */
  readonly close: () => Promise<void>;
}

/** Starts both beside an installation, and ends all of it when preparing fails. */
export async function withLoad<T>(
  installation: Promise<Installation>,
  prepare: (installation: Installation, load: Load) => Promise<T>,
): Promise<Loaded<T>> {
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

/** For rounds that leave an installation in no state for the next one: each has its own. */
export function freshEachRound<T, V>(
  start: () => Promise<Loaded<T>>,
  measure: (loaded: Loaded<T>) => Promise<V>,
): { round: () => Promise<V>; close: () => Promise<void> } {
  let current: Promise<Loaded<T>> | undefined;
  const round = async () => {
    current = start();
    const loaded = await current;
    try {
      return await measure(loaded);
    } finally {
      await loaded.close();
    }
  };
  // A round that took too long is still under way. What does not even start is left to end with the bench.
  const close = async () => {
    const ended = current?.then((loaded) => loaded.close()).catch(() => {});
    await Promise.race([ended, sleep(CLOSE_MS, undefined, { ref: false })]);
  };
  return { round, close };
}
