import { DEFAULT_CELL } from '../schema/ids.ts';
import type { Env } from './env.ts';
import { makeApp } from './http/app.ts';
import type { Deps } from './http/deps.ts';
import { log } from './log.ts';
import { makeLogsPort } from './logs/logs-port.ts';
import { overdueWake } from './scheduler/overdue.ts';
import { D1Store } from './store/d1-store.ts';
import { makeReads } from './store/reads/reads.ts';

export { LogStream } from './logs/log-stream.ts';
export { Scheduler } from './scheduler/scheduler-do.ts';

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
    access: {
      mode: env.SHOAL_MODE === 'open' ? 'open' : 'closed',
      adminToken: env.SHOAL_ADMIN_TOKEN,
      nodeToken: env.SHOAL_NODE_TOKEN,
      allowedOrigins: (env.SHOAL_ALLOWED_ORIGINS ?? '')
        .split(',')
        .map((o) => o.trim())
        .filter((o) => o !== ''),
    },
    connect: (request) => scheduler().fetch(request),
    logs: makeLogsPort(env),
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

  /** Wakes a Scheduler whose alarm was lost. */
  async scheduled(_event, env) {
    const nextWake = await overdueWake(new D1Store(env.DB), Date.now());
    if (nextWake === null) return;
    log('scheduler.overdue', { nextWake }, 'warn');
    await env.SCHEDULER.getByName(DEFAULT_CELL).poke();
  },
};

export default worker;
