import { EXECUTIONS_PATH } from '../../../schema/protocol/log-link.ts';
import { requireAllNamespaces, requireCapability, type Principal } from './principal.ts';

/** What a route asks of its caller where credentials are asked for at all. */
export type Needs =
  /** Nothing. */
  | 'nobody'
  /** A capability. Jobs are shown of the caller's namespaces alone. */
  | 'read:job'
  | 'write:job'
  | 'read:agent'
  | 'write:agent'
  /** A capability in all namespaces: nodes serve every one of them. */
  | 'read:node'
  | 'write:node'
  /** Everything, in all namespaces. */
  | 'operator'
  /** The secret of nodes. */
  | 'node'
  /** The token of the execution that the path names; the route itself looks at it. */
  | 'execution'
  /** What leads nowhere. As in Bacalhau it is for who may change nodes. */
  | 'closed';

/** @throws ShoalError 403 unless the caller may */
export function requireNeeds(principal: Principal, needs: Exclude<Needs, 'nobody' | 'node' | 'execution'>): void {
  if (needs === 'closed') return requireCapability(principal, 'write:node');
  requireCapability(principal, needs === 'operator' ? '*' : needs);
  if (needs === 'operator' || needs.endsWith(':node')) requireAllNamespaces(principal);
}

/** Where nothing is served, "not found" is for who may call what is served there. The first that fits counts. */
const neighbourhoods: readonly (readonly [string, 'job' | 'node' | 'agent' | Needs])[] = [
  ['/api/v1/orchestrator/jobs', 'job'],
  ['/api/v1/orchestrator/executions', 'job'],
  ['/api/v1/orchestrator/nodes', 'node'],
  ['/api/v1/agent', 'agent'],
  ['/api/v1/auth', 'nobody'],
  ['/api/v1/shoal', 'operator'],
  [EXECUTIONS_PATH, 'execution'],
];

/**
 * What a request needs that no route serves. Only the method GET reads.
 * @param beside  what a route of the same path and another method needs; null when there is none
 * @see Bacalhau pkg/authz/capabilities.go
 */
export function needsOfUnserved(method: string, path: string, beside: Needs | null): Needs {
  const found = neighbourhoods.find(([prefix]) => path.startsWith(`${prefix}/`) || path === prefix)?.[1] ?? 'closed';
  if (beside !== null && !beside.includes(':')) return beside;
  return found === 'job' || found === 'node' || found === 'agent'
    ? `${method === 'GET' ? 'read' : 'write'}:${found}`
    : (beside ?? found);
}
