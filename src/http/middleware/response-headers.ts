import type { MiddlewareHandler } from 'hono';
import { API_VERSION, SHOAL_VERSION } from '../../../schema/version.ts';
import type { HttpEnv } from '../deps.ts';

/** Go's text of the build date, as Bacalhau puts it into its header. */
const BUILD_DATE = API_VERSION.BuildDate.replace('T', ' ').replace('Z', ' +0000 UTC');

const HEADERS: readonly (readonly [string, string])[] = [
  ['X-Bacalhau-Git-Version', API_VERSION.GitVersion],
  ['X-Bacalhau-Git-Commit', API_VERSION.GitCommit],
  ['X-Bacalhau-Build-Date', BUILD_DATE],
  ['X-Bacalhau-Build-OS', API_VERSION.GOOS],
  ['X-Bacalhau-Arch', API_VERSION.GOARCH],
  ['X-Shoal-Version', SHOAL_VERSION],
];

/** Says on every answer to an authorised request which API this is, and which Shoal. */
export const responseHeaders: MiddlewareHandler<HttpEnv> = async (c, next) => {
  await next();
  if (c.res.status === 101) return;
  for (const [name, value] of HEADERS) c.header(name, value);
};
