import type { NodeId } from '@shoal/schema/ids';
import type { Log } from '../ports.ts';
import { DockerEngine, type DockerOptions } from './docker/docker.ts';
import type { Engine, Gpu } from './engine.ts';

/** What an engine may be made from. */
export interface EngineNode {
  readonly nodeId: NodeId;
  readonly gpus: readonly Gpu[];
  readonly log: Log;
  readonly docker: DockerOptions & { readonly host: string | null };
}

/** The engines of this agent: a line each. */
const makers: readonly ((node: EngineNode) => Engine)[] = [
  ({ nodeId, docker, gpus, log }) => new DockerEngine(nodeId, docker.host, { ...docker, gpus, log }),
];

export function makeEngines(node: EngineNode): readonly Engine[] {
  return makers.map((make) => make(node));
}
