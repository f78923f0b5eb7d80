import type { Needs } from './auth/needs.ts';
import type { Route } from './routes/route.ts';

/** What a request has come to. */
export interface Reached {
  /** Null where nothing is served. */
  readonly route: Route | null;
  readonly needs: Needs;
}
