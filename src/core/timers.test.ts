import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Timers, timerKinds, type TimerKind } from './timers.ts';

const operation = fc.oneof(
  fc.record({
    type: fc.constant('set' as const),
    kind: fc.constantFrom(...timerKinds),
    id: fc.constantFrom('a', 'b', 'c'),
    at: fc.nat(100),
  }),
  fc.record({
    type: fc.constant('clear' as const),
    kind: fc.constantFrom(...timerKinds),
    id: fc.constantFrom('a', 'b'),
  }),
  fc.record({ type: fc.constant('take' as const), now: fc.nat(100) }),
);

test('agrees with a plain list of deadlines', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const timers = new Timers();
      const model = new Map<string, { kind: TimerKind; at: number }>();
      for (const op of operations) {
        if (op.type === 'set') {
          timers.set(op.kind, op.id, op.at);
          model.set(`${op.kind}:${op.id}`, op);
        } else if (op.type === 'clear') {
          timers.clear(op.kind, op.id);
          model.delete(`${op.kind}:${op.id}`);
        } else {
          const taken = timers.takeDue(op.now);
          const earliest = Math.min(...[...model.values()].map(({ at }) => at));
          expect(taken?.at ?? null).toBe(earliest <= op.now ? earliest : null);
          if (taken !== null) expect(model.delete(`${taken.kind}:${taken.id}`)).toBe(true);
        }
        const all = [...model.values()];
        const least = (list: typeof all) => (list.length === 0 ? null : Math.min(...list.map(({ at }) => at)));
        expect(timers.next()).toBe(least(all));
        expect(timers.nextBesidesLeases()).toBe(least(all.filter(({ kind }) => kind !== 'lease')));
      }
    }),
  );
});
