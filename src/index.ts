import { DEFAULT_CELL } from '../schema/ids.ts';
import { depsOf } from './deps-of.ts';
import type { Env } from './env.ts';
import { makeApp } from './http/app.ts';
import { log } from './log.ts';
import { D1Store } from './store/d1-store.ts';

export { Scheduler } from './scheduler/scheduler-do.ts';

/** A wake-up that is this late has been lost; the alarm's own retries take less. */
const OVERDUE_MS = 60_000;

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
