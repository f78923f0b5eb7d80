import type { Context } from 'hono';
import type { EpochMs } from '../../schema/ids.ts';
import type { SchedulerRpc } from '../scheduler/rpc.ts';
import type { Credentials } from '../store/credentials.ts';
import type { Reads } from '../store/reads/reads.ts';
import type { Principal } from './auth/principal.ts';

/** Who may call. */
export interface Access {
  /** `open`: no credentials, but only loopback hosts and origins. */
  readonly mode: 'open' | 'closed';
  /** The first credential; empty or undefined when the secret is not set. */
  readonly adminToken: string | undefined;
  readonly nodeToken: string | undefined;
  /** Open mode: origins beside loopback ones, as browsers send them (`https://host:port`). */
  readonly allowedOrigins: readonly string[];
  /** Of one client; 0 means no limit. */
  readonly requestsPerSecond: number;
}

/** What the API is made of; a test gives its own. */
export interface Deps {
  readonly scheduler: SchedulerRpc;
  readonly reads: Reads;
  readonly credentials: Credentials;
  readonly access: Access;
  /** Hands the upgrade request of an agent to the Scheduler. */
  readonly connect: (request: Request) => Promise<Response>;
  readonly now: () => EpochMs;
  /** A random uuid, lower-case. */
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface HttpEnv {
  Variables: {
    requestId: string;
    principal: Principal;
    /** What the log line of the request says beside the usual; ids, never credentials. */
    logFields: Record<string, string>;
  };
}

export type Ctx = Context<HttpEnv>;
