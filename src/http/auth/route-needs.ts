import { EXECUTIONS_PATH } from '../../../schema/protocol/log-link.ts';
import type { Need } from '../../../schema/credentials.ts';

/**
 * What anybody may ask: whether it lives, which version it is, and how to log in. Below EXECUTIONS_PATH an execution's own
 * token is asked for, by the routes themselves.
 */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  '/api/v1/agent/alive',
  '/api/v1/agent/version',
  '/api/v1/agent/authconfig',
  '/api/v1/auth',
]);
const LOGIN = '/api/v1/auth/';

const OPERATOR_PATHS = '/api/v1/shoal/';
const DOCUMENTATION: ReadonlySet<string> = new Set(['/api/v1/openapi.json', '/api/v1/docs']);

const DRY_RUN = '/api/v1/shoal/dry-run';
const TOKENS = '/api/v1/shoal/tokens';
const NODES = '/api/v1/orchestrator/nodes';

const RESOURCES = [
  ['/api/v1/orchestrator/jobs', 'job'],
  ['/api/v1/orchestrator/executions', 'job'],
  [NODES, 'node'],
  ['/api/v1/agent', 'agent'],
] as const;

/** Bodies of these paths hold a credential and little else; who sends them is often not known yet. */
export function takesCredentials(path: string): boolean {
  return path.startsWith(LOGIN) || path === TOKENS || path.startsWith(`${TOKENS}/`);
}

/** Nodes serve every namespace: who is limited to some has no say in them. */
export function needsAllNamespaces(path: string): boolean {
  return path === NODES || path.startsWith(`${NODES}/`);
}

export function isOpenPath(path: string): boolean {
  return OPEN_PATHS.has(path) || path.startsWith(LOGIN) || path.startsWith(`${EXECUTIONS_PATH}/`);
}

/**
 * What a request needs in closed mode. Only the method GET reads; paths of no resource need what changes nodes, as
 * in Bacalhau, also those that do not exist.
 * @see Bacalhau pkg/authz/capabilities.go
 */
export function needOf(method: string, path: string): Need {
  if (path === DRY_RUN) return 'write:job';
  if (path.startsWith(OPERATOR_PATHS)) return '*';
  if (DOCUMENTATION.has(path)) return 'read:agent';
  const resource = RESOURCES.find(([prefix]) => path === prefix || path.startsWith(`${prefix}/`))?.[1];
  if (resource === undefined) return 'write:node';
  return `${method === 'GET' ? 'read' : 'write'}:${resource}`;
}
