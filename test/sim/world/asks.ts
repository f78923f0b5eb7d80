import type { Task } from '../../../schema/job/job.ts';
import type { Policy } from '../../../worker-agent/src/executions/admission.ts';
import type { Rng } from './rng.ts';

/** What only an agent refuses: the Scheduler knows nothing of what the owner of a machine allows. */
type Asked = Partial<Pick<Task, 'Network' | 'Env' | 'ResultPaths'>> & { readonly params?: Record<string, unknown> };

/** A port below the usual range. */
const LOW_PORT = 4_000;
const VARIABLE = 'REGION_NAME';
const CAPABILITY = 'NET_ADMIN';

/** By what is asked for, in words. Nobody offers the last one. */
const asked = {
  'the machine its network': { Network: { Type: 'Host' } },
  'a bridge': { Network: { Type: 'Bridge' } },
  'a low port': { Network: { Type: 'Host', Ports: [{ Name: 'web', Static: LOW_PORT }] } },
  'a variable of the machine': { Env: { REGION: `env:${VARIABLE}` } },
  'a capability': { params: { Image: 'busybox', Capabilities: [CAPABILITY] } },
  'result paths': { ResultPaths: [{ Name: 'out', Path: '/out' }] },
} satisfies Readonly<Record<string, Asked>>;

export type Ask = keyof typeof asked;

export const asks = Object.keys(asked) as readonly Ask[];

export function askedFor(ask: Ask | undefined): Asked {
  return ask === undefined ? {} : asked[ask];
}

/** What the owner of a machine allows: what some decline others take. */
export function randomPolicy(rng: Rng): { policy: Policy; capabilities: string[] } {
  const policy = {
    allowHostNetwork: rng.chance(0.3),
    unfilteredBridge: rng.chance(0.3),
    portRange: { from: rng.chance(0.5) ? 1_024 : 20_000, to: 32_000 },
    envPatterns: rng.chance(0.3) ? ['REGION_*'] : [],
  };
  return { policy, capabilities: rng.chance(0.3) ? [CAPABILITY] : [] };
}
