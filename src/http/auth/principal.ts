import { ANY_NAMESPACE, hasCapability, type Capability, type Need } from '../../../schema/credentials.ts';
import { ShoalError } from '../../../schema/errors.ts';
import { DEFAULT_NAMESPACE } from '../../../schema/ids.ts';
import type { Scope } from '../../store/reads/resolve.ts';
import type { Ctx } from '../deps.ts';

/** Who calls, and what they may do. */
export interface Principal {
  /** For log lines: never a secret. */
  readonly id: string;
  /** How messages name it. */
  readonly shown: string;
  readonly capabilities: readonly Capability[];
  readonly namespaces: readonly string[];
}

/** Who may do all: everybody in open mode, and who shows the admin token in closed mode. */
export const operator: Principal = {
  id: 'operator',
  shown: 'operator',
  capabilities: ['*'],
  namespaces: [ANY_NAMESPACE],
};

/** Who has not shown who they are: they were refused, or asked for what anybody may have. */
export const nobody: Principal = { id: '-', shown: '-', capabilities: [], namespaces: [] };

/** An agent, or whoever else shows the node token: which node it is, it says later. */
export const anyNode: Principal = { id: 'node', shown: 'node', capabilities: [], namespaces: [] };

/** @throws ShoalError 403 */
export function requireCapability(principal: Principal, need: Need): void {
  if (hasCapability(principal.capabilities, need)) return;
  throw forbidden(`user '${principal.shown}' does not have the required capability '${need}'`);
}

/** The namespaces that the caller may see: every read goes through it. */
export function scopeOf(c: Ctx): Scope {
  const { namespaces } = c.get('principal');
  return namespaces.includes(ANY_NAMESPACE) ? null : namespaces;
}

/** How a request names a job, limited to what its caller may see. */
export function jobRef(c: Ctx, namespace: string, text: string): { namespace: string; text: string; scope: Scope } {
  return { namespace, text, scope: scopeOf(c) };
}

/** Whether the caller may see the namespace; empty is `default`. */
export function maySee(c: Ctx, namespace: string): boolean {
  const scope = scopeOf(c);
  return scope === null || scope.includes(namespace === '' ? DEFAULT_NAMESPACE : namespace);
}

/** @throws ShoalError 403 unless the caller may put something into the namespace */
export function requireNamespace(c: Ctx, namespace: string): void {
  if (maySee(c, namespace)) return;
  throw forbidden(`user '${c.get('principal').shown}' does not have access to namespace '${namespace}'`);
}

/** @throws ShoalError 403 when the caller is limited to some namespaces */
export function requireAllNamespaces({ namespaces, shown }: Principal): void {
  if (namespaces.includes(ANY_NAMESPACE)) return;
  throw forbidden(`user '${shown}' does not have access to all namespaces`);
}

function forbidden(reason: string): ShoalError {
  return new ShoalError('Forbidden', 'Request Forbidden', {
    component: 'Authorizer',
    // Command lines print the hint, and no details.
    hint: `The ${reason}.`,
    details: { reason },
  });
}
