import type { MiddlewareHandler } from 'hono';
import { API_VERSION } from '../../../schema/version.ts';
import { isBefore, isUnreleased, parseVersion } from '../client-version.ts';
import type { HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';

const MIN_VERSION = '1.4.0';

/** Refuses Bacalhau clients that are too old. Clients that do not say their version pass. */
export const versionGate: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const given = c.req.header('X-Bacalhau-Git-Version') ?? '';
  if (given === '' || isUnreleased(given)) return next();
  const version = parseVersion(given);
  if (version === null) return answer(c, { Error: `Invalid client version ${given}` }, 400);
  if (!isBefore(version, MIN_VERSION)) return next();
  const body = {
    Error: 'Client version is outdated. Update your client',
    MinVersion: MIN_VERSION,
    ClientVersion: given.replace(/^v/, ''),
    ServerVersion: API_VERSION.GitVersion.replace(/^v/, ''),
  };
  return answer(c, body, 403);
};
