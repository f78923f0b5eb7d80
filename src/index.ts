import { DEFAULT_CELL } from '../schema/ids.ts';
import type { Env } from './env.ts';
import { readAccess } from './http/access-settings.ts';
import { makeApp } from './http/app.ts';
import type { Deps } from './http/deps.ts';
import { log } from './log.ts';
import { D1Store } from './store/d1-store.ts';
import { makeCredentials } from './store/credentials.ts';
import { makeReads } from './store/reads/reads.ts';

export { Scheduler } from './scheduler/scheduler-do.ts';

/** A wake-up that is this late has been lost; the alarm's own retries take less. */
const OVERDUE_MS = 60_000;

function depsOf(env: Env): Deps {
  // A stub belongs to the request that made it, so each call gets its own.
  const scheduler = () => env.SCHEDULER.getByName(DEFAULT_CELL);
  return {
    scheduler: {
      submitJob: (command) => scheduler().submitJob(command),
      stopJob: (command) => scheduler().stopJob(command),
      rerunJob: (command) => scheduler().rerunJob(command),
      changeNode: (command) => scheduler().changeNode(command),
      liveNodes: () => scheduler().liveNodes(),
      poke: () => scheduler().poke(),
    },
    reads: makeReads(env.DB),
    credentials: makeCredentials(env.DB),
    access: readAccess(env),
    connect: (request) => scheduler().fetch(request),
    now: () => Date.now(),
    newId: () => crypto.randomUUID(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}

/** Routes are compiled once an isolate; bindings do not change while it lives. */
let app: ReturnType<typeof makeApp> | undefined;

const worker: ExportedHandler<Env> = {
  fetch(request, env, ctx) {
    app ??= makeApp(depsOf(env));
    return app.fetch(request, env, ctx);
  },

  /** Wakes a Scheduler whose alarm was lost. An idle one is left asleep: only the fence row is read. */
  async scheduled(_event, env) {
    const fence = await new D1Store(env.DB).readFence(DEFAULT_CELL);
    if (fence === null || fence.nextWake === 0 || fence.nextWake > Date.now() - OVERDUE_MS) return;
    log('scheduler.overdue', { nextWake: fence.nextWake }, 'warn');
    await env.SCHEDULER.getByName(DEFAULT_CELL).poke();
  },
};

export default worker;
