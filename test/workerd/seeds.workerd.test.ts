import { applyD1Migrations, reset, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Installation } from './seeds/installation.ts';

const SEEDS = 30;
const STEPS = 12;
const { DB, MIGRATIONS } = env as unknown as { DB: D1Database; MIGRATIONS: D1Migration[] };

beforeEach(() => applyD1Migrations(DB, MIGRATIONS));
afterEach(() => reset());

/** What a few seeds must have met, so that their silence says something. */
const expected = [
  ...['submit', 'update', 'rerun', 'stop', 'dials', 'disconnects', 'loses its journal', 'evict', 'abort', 'rival'],
  ...['batch', 'service', 'ops', 'daemon'].map((type) => `${type} job`),
  ...['Pending', 'Queued', 'Running', 'Completed', 'Failed', 'Stopped'].map((state) => `job ${state}`),
  ...['New', 'BidAccepted', 'AskForBidRejected', 'Running', 'Completed', 'Failed', 'Cancelled'].map(
    (state) => `execution ${state}`,
  ),
];

/** What the simulation does with stand-ins, in the runtime itself: its object, its sockets, its database, its clock. */
describe('the real object and D1 keep every promise', () => {
  const met = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    test(`seed ${seed}`, async () => {
      const installation = new Installation(seed);
      try {
        await installation.begin();
        for (let step = 0; step < STEPS; step++) await installation.step();
        await installation.heal();
        await installation.end();
        for (const what of installation.met) met.add(what);
      } catch (error) {
        throw new Error(`seed ${seed}, after ${installation.steps.join(', ')}`, { cause: error });
      } finally {
        installation.close();
      }
    });
  }
  test('and meet everything that can happen', () => expect(expected.filter((what) => !met.has(what))).toEqual([]));
});
