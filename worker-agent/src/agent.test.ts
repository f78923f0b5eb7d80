import { describe, test } from 'vitest';
import { Harness } from './testing/harness.ts';
import { runSpec } from './testing/run-spec.ts';

test('a hello says what the machine calls itself', async ({ expect }) => {
  const harness = await Harness.start();
  expect(harness.socket.frames[0]).toMatchObject({ type: 'hello', hostname: 'box' });
});

describe('a node that may not run anything any more', () => {
  test('stops all that runs here, whether it is told of each or not, and stays connected', async ({ expect }) => {
    const harness = await Harness.start(() => ({ runMs: 600_000 }));
    await harness.run(runSpec());
    await harness.run(runSpec());
    harness.socket.welcome({ mode: 'stopOnly' });
    await harness.clock.advance(1_000);
    expect(harness.engine.running).toEqual([]);
    expect(harness.said.filter((one) => one === 'report Cancelled')).toHaveLength(2);
    expect(harness.network.sockets).toHaveLength(1);
  });

  test('takes work on the same connection as soon as it is approved', async ({ expect }) => {
    const harness = await Harness.start();
    harness.socket.welcome({ mode: 'stopOnly' });
    harness.socket.welcome({ mode: 'active' });
    await harness.run(runSpec());
    expect(harness.said).toEqual(['ack', 'report Running']);
    expect(harness.network.sockets).toHaveLength(1);
  });
});
