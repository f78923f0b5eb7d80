import { DEFAULT_CELL } from '../schema/ids.ts';
import type { Env } from './env.ts';
import { readAccess } from './http/access-settings.ts';
import type { Deps } from './http/deps.ts';
import { makeCredentials } from './store/credentials.ts';
import { makeLogsPort } from './logs/logs-port.ts';
import { anyOf, type CommandEvent, type CommandType } from './scheduler/rpc.ts';
import { makeReads } from './store/reads/reads.ts';

/** What the API is made of, from the Worker's bindings. */
export function depsOf(env: Env): Deps {
  // A stub belongs to the request that made it, so each call gets its own.
  const scheduler = () => env.SCHEDULER.getByName(DEFAULT_CELL);
  return {
    scheduler: {
      // The platform's types of a stub know nothing of a method's own type parameters.
      command: <T extends CommandType>(event: CommandEvent<T>) => scheduler().command(anyOf(event)),
      dryRun: (command) => scheduler().dryRun(command),
      liveNodes: () => scheduler().liveNodes(),
      poke: () => scheduler().poke(),
    },
    reads: makeReads(env.DB),
    credentials: makeCredentials(env.DB),
    access: readAccess(env),
    connect: (request) => scheduler().fetch(request),
    logs: makeLogsPort(env),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}
