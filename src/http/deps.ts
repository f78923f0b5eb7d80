import type { Context } from 'hono';
import type { EpochMs } from '../../schema/ids.ts';
import type { WorkerSettings } from '../../schema/settings.ts';
import type { LogsPort } from '../logs/port.ts';
import type { SchedulerRpc } from '../scheduler/rpc.ts';
import type { Credentials } from '../store/credentials.ts';
import type { Reads } from '../store/reads/reads.ts';
import type { Principal } from './auth/principal.ts';
import type { Reached } from './reached.ts';

/** Who may call, and the settings in force. */
export interface Access extends WorkerSettings {
  /** `open`: no credentials, but only loopback hosts and origins. */
  readonly mode: 'open' | 'closed';
  /** The first credential; empty or undefined when the secret is not set. */
  readonly adminToken: string | undefined;
  readonly nodeToken: string | undefined;
  /** The header in which the platform names a client's address; null where there is none that clients could not forge. */
  readonly addressHeader: string | null;
  /** Settings that cannot be read, a line each: then nothing is served. */
  readonly problems: readonly string[];
}

/** What the API is made of; a test gives its own. */
export interface Deps {
  readonly scheduler: SchedulerRpc;
  readonly reads: Reads;
  readonly credentials: Credentials;
  readonly access: Access;
  /** Hands the upgrade request of an agent to the Scheduler. */
  readonly connect: (request: Request) => Promise<Response>;
  readonly logs: LogsPort;
  readonly now: () => EpochMs;
  /** A random uuid, lower-case. */
  readonly newId: () => string;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface HttpEnv {
  Variables: {
    requestId: string;
    /** The route that was asked for, and what it needs. */
    reached: Reached;
    principal: Principal;
    /** Waits until a large body may be read. */
    takeTurn: () => Promise<void>;
    /** What the log line of the request says beside the usual; ids, never credentials. */
    logFields: Record<string, string>;
  };
}

export type Ctx = Context<HttpEnv>;
