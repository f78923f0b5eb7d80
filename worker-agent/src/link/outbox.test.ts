import { describe, test } from 'vitest';
import type { ExecutionId } from '@shoal/schema/ids';
import type { Report } from '@shoal/schema/protocol/from-agent';
import { Outbox } from './outbox.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { newExecutionId } from '../testing/run-spec.ts';

function running(executionId: ExecutionId): Report {
  return { type: 'report', executionId, seq: 1, state: 'Running' };
}

function cancelled(executionId: ExecutionId): Report {
  return { type: 'report', executionId, seq: 2, state: 'Cancelled', message: '' };
}

function start() {
  const clock = new FakeClock();
  const sent: Report[] = [];
  const outbox = new Outbox(clock, (report) => {
    sent.push(report);
    return true;
  });
  return { clock, sent, outbox };
}

describe('the outbox', () => {
  test('holds reports back until there is a connection', ({ expect }) => {
    const { outbox, sent } = start();
    const report = running(newExecutionId());
    outbox.put(report);
    expect(sent).toEqual([]);
    outbox.connected();
    expect(sent).toEqual([report]);
  });

  test('sends again after 5 s, doubling to 60 s, until the acknowledgement', async ({ expect }) => {
    const { outbox, sent, clock } = start();
    const report = running(newExecutionId());
    outbox.connected();
    outbox.put(report);
    const counts: number[] = [];
    for (const waitMs of [4_999, 1, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      await clock.advance(waitMs);
      counts.push(sent.length);
    }
    expect(counts).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(outbox.acknowledged(report.executionId, 1)).toBe(true);
    await clock.advance(600_000);
    expect([sent.length, outbox.size]).toEqual([7, 0]);
  });

  test('sends all of it again at a new welcome, once', ({ expect }) => {
    const { outbox, sent } = start();
    outbox.connected();
    const reports = [running(newExecutionId()), running(newExecutionId())];
    for (const report of reports) outbox.put(report);
    outbox.disconnected();
    outbox.connected();
    expect(sent).toEqual([...reports, ...reports]);
  });

  test('keeps only the newest report of an execution', ({ expect }) => {
    const { outbox, sent } = start();
    const id = newExecutionId();
    outbox.connected();
    outbox.put(running(id));
    outbox.put(cancelled(id));
    outbox.put(running(id));
    expect(outbox.acknowledged(id, 1)).toBe(false);
    expect([...outbox]).toEqual([cancelled(id)]);
    expect(sent).toEqual([running(id), cancelled(id)]);
  });

  test('has at most 100 in flight, and goes on as they are acknowledged', ({ expect }) => {
    const { outbox, sent } = start();
    const ids = Array.from({ length: 250 }, newExecutionId);
    for (const id of ids) outbox.put(running(id));
    outbox.connected();
    expect(sent).toHaveLength(100);
    for (const id of ids) outbox.acknowledged(id, 1);
    expect(sent.map((one) => one.executionId)).toEqual(ids);
    expect(outbox.size).toBe(0);
  });

  test('resends nothing while there is no connection', async ({ expect }) => {
    const { outbox, sent, clock } = start();
    outbox.connected();
    outbox.put(running(newExecutionId()));
    outbox.disconnected();
    await clock.advance(600_000);
    expect(sent).toHaveLength(1);
  });
});
