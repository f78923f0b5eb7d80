import { readSettings } from '../../schema/settings.ts';
import type { Access } from './deps.ts';

interface Secrets {
  readonly SHOAL_ADMIN_TOKEN?: string;
  readonly SHOAL_NODE_TOKEN?: string;
}

/** Who may call, from the Worker's variables. Closed unless told otherwise: what is misspelt must not open anything. */
export function readAccess(env: object): Access {
  const { settings, problems } = readSettings(env);
  const secrets: Secrets = env;
  return {
    ...settings,
    mode: settings.closed ? 'closed' : 'open',
    adminToken: secrets.SHOAL_ADMIN_TOKEN,
    nodeToken: secrets.SHOAL_NODE_TOKEN,
    addressHeader: settings.embedded ? null : 'CF-Connecting-IP',
    problems,
  };
}
