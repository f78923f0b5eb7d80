import { describe, expect, test } from 'vitest';
import { FakeClock, settle } from '../testing/fake-clock.ts';
import { Harness } from '../testing/harness.ts';
import { runSpec, silentLog, task } from '../testing/run-spec.ts';
import type { Engine } from './engine.ts';
import { FakeEngine } from './fake.ts';
import { EngineRoster } from './roster.ts';

const otherEngine = (clock: FakeClock) => new FakeEngine(clock, () => ({ runMs: 5_000 }), { type: 'other' });
const onOther = () => runSpec({ task: task({}, { Engine: { Type: 'Other', Params: {} } }) });

async function startWithTwo(): Promise<{ harness: Harness; other: FakeEngine }> {
  const clock = new FakeClock();
  const [engine, other] = [new FakeEngine(clock, () => ({ runMs: 1_000 })), otherEngine(clock)];
  return { harness: await Harness.startIn({ clock, engine, ports: { engines: [engine, other] } }), other };
}

describe('an agent with two engines', () => {
  test('runs each task on its own, and offers both', async () => {
    const { harness, other } = await startWithTwo();
    expect(harness.socket.frames[0]).toMatchObject({ engines: ['docker', 'other'] });
    const [one, two] = [runSpec(), onOther()];
    await harness.run(one);
    await harness.run(two);
    expect([[...harness.engine.starts.keys()], [...other.starts.keys()]]).toEqual([
      [one.executionId],
      [two.executionId],
    ]);
    await harness.clock.advance(10_000);
    const completed = harness.reports.filter(({ state }) => state === 'Completed');
    expect(new Set(completed.map(({ executionId }) => executionId))).toEqual(
      new Set([one, two].map((run) => run.executionId)),
    );
    expect([harness.engine.size, other.size]).toEqual([0, 0]);
  });

  test('goes on with one of them while the other is away, and takes its tasks up when it is back', async () => {
    const { harness: first, other } = await startWithTwo();
    const two = onOther();
    await first.run(two);
    other.setReachable(false);
    const next = await first.killAndRestart();
    expect(next.socket.frames[0]).toMatchObject({
      engines: ['docker'],
      holds: [{ executionId: two.executionId, state: 'Running' }],
    });
    await next.run(runSpec());
    await next.run(onOther());
    expect(next.said).toEqual(['ack', 'report Running', 'reject']);
    await next.clock.advance(10_000);
    other.setReachable(true);
    await next.clock.advance(15_000);
    expect(next.reports.findLast((one) => one.executionId === two.executionId)).toMatchObject({ state: 'Completed' });
    expect(other.starts.get(two.executionId)).toBe(1);
  });
});

test('an engine that hangs keeps no other from being looked at', async () => {
  const clock = new FakeClock();
  const hanging: Engine = Object.assign(new FakeEngine(clock, () => ({}), { type: 'hanging' }), {
    probe: () => new Promise<never>(() => {}),
  });
  const looks: string[] = [];
  const roster = new EngineRoster([hanging, otherEngine(clock)], { clock, log: silentLog }, ({ type }, look) =>
    looks.push(`${type} ${look.ready} ${look.changed} ${look.earlier}`),
  );
  void roster.start();
  await clock.advance(15_000);
  await settle();
  expect(looks).toEqual(['other true true 0', 'other true false 1']);
  expect(roster.types).toEqual(['other']);
  roster.stop();
  expect(roster.types).toEqual([]);
});
