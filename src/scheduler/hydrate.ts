import type { EpochMs, JobId } from '../../schema/ids.ts';
import { aboutOf, isCommand, type CoreEvent, type Reply } from '../core/decide.ts';
import { repeated } from '../core/events/submit.ts';
import type { World } from '../core/world.ts';
import type { JobNameKey, Store } from '../store/store.ts';
import type { Waiting } from './lanes.ts';

/** What was read for the commands of one turn. */
export interface Hydrated {
  /** The answers that commands sent again got the first time. */
  readonly answers: ReadonlyMap<CoreEvent, Reply>;
  /** Lets go of jobs that the turn left as they were. */
  release(): void;
}

/**
 * Brings into memory what the turn's commands are about and the Scheduler does not hold: jobs that ended, and answers
 * that a command sent again got the first time. Turns are serialised and nobody else writes, so what is read here still
 * holds when the turn decides.
 */
export async function hydrate(world: World, store: Store, taken: readonly Waiting[], now: EpochMs): Promise<Hydrated> {
  const ids = new Set<JobId>();
  const names = new Map<string, JobNameKey>();
  const retried = new Map<string, CoreEvent>();
  for (const { event } of taken) {
    if (!isCommand(event)) continue;
    if (event.command.retry) retried.set(event.command.commandId, event);
    const about = aboutOf(event);
    for (const id of about.jobIds ?? []) if (world.job(id) === null) ids.add(id);
    for (const { namespace, name } of about.names ?? []) {
      if (world.jobByName(namespace, name) === null) names.set(`${namespace}\0${name}`, { namespace, name });
    }
  }
  const found = ids.size + names.size > 0 ? await store.findJobs([...ids], [...names.values()]) : [];
  for (const job of found) world.putJob(job);
  const release = () => {
    for (const job of found) if (world.job(job.id) === job) world.forget(job);
  };
  const answers = retried.size === 0 ? new Map<CoreEvent, Reply>() : await firstAnswers(store, retried);
  for (const [event, reply] of await tokenAnswers(store, taken, now)) answers.set(event, reply);
  return { answers, release };
}

/** What commands get whose client's token was used in an earlier turn. */
async function tokenAnswers(
  store: Store,
  taken: readonly Waiting[],
  now: EpochMs,
): Promise<ReadonlyMap<CoreEvent, Reply>> {
  const answers = new Map<CoreEvent, Reply>();
  const carriers = taken.flatMap(({ event }) => {
    if (event.type !== 'submitJob' || event.command.idempotency === undefined) return [];
    const { namespace, idempotency } = event.command;
    return [{ event, namespace, idempotency, key: `${namespace}\0${idempotency.token}` }];
  });
  if (carriers.length === 0) return answers;
  const keys = new Map(
    carriers.map(({ key, namespace, idempotency }) => [key, { namespace, token: idempotency.token }]),
  );
  const used = await store.findTokens([...keys.values()], now);
  const uses = new Map(used.map((use) => [`${use.namespace}\0${use.token}`, use]));
  for (const { event, idempotency, key } of carriers) {
    const use = uses.get(key);
    if (use !== undefined) answers.set(event, repeated(idempotency, use));
  }
  return answers;
}

async function firstAnswers(store: Store, retried: ReadonlyMap<string, CoreEvent>): Promise<Map<CoreEvent, Reply>> {
  const answers = new Map<CoreEvent, Reply>();
  for (const [commandId, answer] of await store.findCommands([...retried.keys()])) {
    const event = retried.get(commandId);
    if (event !== undefined) answers.set(event, { ok: true, value: JSON.parse(answer) });
  }
  return answers;
}
