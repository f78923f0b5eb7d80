import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bucket } from './bucket.ts';

test('never gives more than what is allowed at once and has come with time, nor less to who asks for little', () => {
  const steps = fc.array(
    fc.record({ waitMs: fc.integer({ min: 0, max: 3_000 }), amount: fc.integer({ min: 1, max: 40 }) }),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 40, max: 100 }),
      fc.integer({ min: 1, max: 50 }),
      steps,
      (atOnce, perSecond, taken) => {
        const bucket = new Bucket({ atOnce, perSecond }, 0);
        let now = 0;
        let given = 0;
        for (const { waitMs, amount } of taken) {
          now += waitMs;
          if (bucket.take(amount, now)) given += amount;
          expect(given).toBeLessThanOrEqual(atOnce + (now * perSecond) / 1000 + 1e-6);
        }
        expect(bucket.take(atOnce, now + (atOnce / perSecond) * 1000 + 1)).toBe(true);
      },
    ),
  );
});
