import type { Access } from './deps.ts';

/** As Bacalhau limits each client. */
const DEPLOYED_REQUESTS_PER_SECOND = 1_000;

/** The variables that decide who may call. */
interface Settings {
  readonly SHOAL_MODE?: string;
  readonly SHOAL_AUTH?: string;
  readonly SHOAL_ADMIN_TOKEN?: string;
  readonly SHOAL_NODE_TOKEN?: string;
  readonly SHOAL_ALLOWED_ORIGINS?: string;
  readonly SHOAL_RATE_LIMIT?: string;
}

/** Closed unless told otherwise: what is misspelt must not open anything. */
export function readAccess(settings: Settings): Access {
  const embedded = settings.SHOAL_MODE === 'open';
  const auth = settings.SHOAL_AUTH ?? '';
  return {
    mode: embedded && auth === '' ? 'open' : 'closed',
    adminToken: settings.SHOAL_ADMIN_TOKEN,
    nodeToken: settings.SHOAL_NODE_TOKEN,
    allowedOrigins: (settings.SHOAL_ALLOWED_ORIGINS ?? '')
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
    requestsPerSecond: readLimit(settings.SHOAL_RATE_LIMIT, embedded || auth !== ''),
  };
}

function readLimit(text: string | undefined, embedded: boolean): number {
  const limit = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(limit) && limit >= 0) return limit;
  return embedded ? 0 : DEPLOYED_REQUESTS_PER_SECOND;
}
