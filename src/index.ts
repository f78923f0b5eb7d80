import { DEFAULT_CELL } from '../schema/ids.ts';
import { depsOf } from './deps-of.ts';
import type { Env } from './env.ts';
import { makeApp } from './http/app.ts';
import { log } from './log.ts';
import { serveReaderSocket } from './logs/reader-socket.ts';
import { overdueWake } from './scheduler/overdue.ts';
import { D1Store } from './store/d1-store.ts';

export { LogStream } from './logs/log-stream.ts';
export { Scheduler } from './scheduler/scheduler-do.ts';

/** Routes are compiled once an isolate; bindings do not change while it lives. */
let app: ReturnType<typeof makeApp> | undefined;

const worker: ExportedHandler<Env> = {
  fetch(request, env, ctx) {
    app ??= makeApp(depsOf(env));
    return app.fetch(request, env, ctx);
  },

  /** Embedded, a connection of the Worker to itself. */
  connect(socket, env) {
    return serveReaderSocket(socket, env);
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
