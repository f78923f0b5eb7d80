import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { FakeEngine, type Script } from '../../engines/fake.ts';
import type { Input } from '../../inputs/input.ts';
import { inputs } from '../../inputs/inputs.ts';
import { StepError } from '../../ports.ts';
import type { Publisher } from '../../publishers/publisher.ts';
import { publishers } from '../../publishers/publishers.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { ListPublisher, wordInput } from '../../testing/fixtures.ts';
import { Harness } from '../../testing/harness.ts';
import { runSpec, task } from '../../testing/run-spec.ts';
import { JournalRecord } from '../../journal/records.ts';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { StepName } from './step.ts';
import { steps } from './steps.ts';

let workFolder: string;

beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'steps-'));
  workFolder = join(folder, 'work');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
});

/** Where a process is killed: at a call that a step makes of the outside, before it has an effect or after. */
interface Kill {
  readonly at: StepName | 'clean up';
  readonly when: 'before' | 'after';
}

/** Calls that go through it may be the last that a process makes. */
class Gate {
  kill: Kill | null = null;
  /** The call was reached at which the process is to be killed. */
  isReached = false;

  async pass<T>(at: Kill['at'], call: () => Promise<T>): Promise<T> {
    if (this.kill?.at !== at) return call();
    if (this.kill.when === 'after') await call();
    this.isReached = true;
    return new Promise<never>(() => {});
  }
}

class GatedEngine extends FakeEngine {
  readonly gate: Gate;

  constructor(clock: FakeClock, gate: Gate, script: Script) {
    super(clock, () => script);
    this.gate = gate;
  }

  override create(...args: Parameters<FakeEngine['create']>): ReturnType<FakeEngine['create']> {
    return this.gate.pass('create', () => super.create(...args));
  }

  override start(...args: Parameters<FakeEngine['start']>): ReturnType<FakeEngine['start']> {
    return this.gate.pass('start', () => super.start(...args));
  }

  override wait(...args: Parameters<FakeEngine['wait']>): ReturnType<FakeEngine['wait']> {
    return this.gate.pass('run', () => super.wait(...args));
  }

  override kept(...args: Parameters<FakeEngine['kept']>): ReturnType<FakeEngine['kept']> {
    return this.gate.pass('collect', () => super.kept(...args));
  }

  override remove(...args: Parameters<FakeEngine['remove']>): ReturnType<FakeEngine['remove']> {
    return this.gate.pass('clean up', () => super.remove(...args));
  }
}

interface Installation {
  readonly harness: Harness;
  readonly gate: Gate;
  readonly engine: GatedEngine;
  readonly list: ListPublisher;
}

async function install(script: Script = { runMs: 1_000, pullMs: 200, stdout: 'done' }): Promise<Installation> {
  const gate = new Gate();
  const clock = new FakeClock();
  const engine = new GatedEngine(clock, gate, script);
  const list = new ListPublisher();
  const gatedInput: Input = { ...wordInput, fetch: (request) => gate.pass('inputs', () => wordInput.fetch(request)) };
  const gatedList: Publisher = {
    ...{ type: list.type, collects: list.collects, examine: () => null },
    publish: (request) => gate.pass('publish', () => list.publish(request)),
  };
  const ports = { workFolder, inputs: [...inputs, gatedInput], publishers: [...publishers, gatedList] };
  return { harness: await Harness.startIn({ clock, engine, ports }), gate, engine, list };
}

/** With an input and a publisher. */
function wholeRun(): RunSpec {
  const source = { Source: { Type: 'word', Params: { Word: 'read me' } }, Alias: '', Target: '/in/word' };
  return runSpec({ task: task({}, { InputSources: [source], Publisher: { Type: 'list' } }) });
}

/** Lets the disk do its work, and the clock go on, until it has come to that. */
async function until(harness: Harness, check: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !check();) {
    if (Date.now() > deadline) throw new Error(`it did not come to that: ${harness.said.join(', ')}`);
    await harness.clock.advance(100);
    await sleep(2);
  }
}

const ends = (harness: Harness): number => harness.reports.filter(({ state }) => state === 'Completed').length;

test('hello says what the registries have', async () => {
  const { harness } = await install();
  expect(harness.socket.frames[0]).toMatchObject({ sources: ['inline', 'word'], publishers: ['noop', 'list'] });
});

test('a task reads its input, and what it prints leaves', async () => {
  const { harness, engine, list } = await install();
  const run = wholeRun();
  await harness.run(run);
  await until(harness, () => engine.running.length === 1);
  const [mount] = engine.provisionsOf(run.executionId)?.mounts ?? [];
  expect(mount?.target).toBe('/in/word');
  expect(await readFile(mount?.source ?? '', 'utf8')).toBe('read me');
  await until(harness, () => ends(harness) > 0);
  expect(list.published).toEqual([{ executionId: run.executionId, stdout: 'done', exitCode: '0' }]);
  await until(harness, () => !existsSync(workFolder) && engine.size === 0);
});

test('how long each part took is in the report, and what there was not is left out', async () => {
  const { harness } = await install();
  await harness.run(wholeRun());
  await until(harness, () => ends(harness) > 0);
  const { phases } = harness.reports.find(({ state }) => state === 'Completed') ?? {};
  expect(Object.keys(phases ?? {})).toEqual(['queue', 'inputs', 'pull', 'create', 'run', 'collect', 'publish']);
  expect(phases).toMatchObject({ pull: 200, run: 1_000 });
  await harness.run(runSpec());
  await until(harness, () => harness.reports.filter(({ state }) => state === 'Completed').length > 1);
  expect(Object.keys(harness.reports.at(-1)?.phases ?? {})).toEqual(['queue', 'pull', 'create', 'run', 'collect']);
});

test('a task that is stopped while it runs keeps what it printed', async () => {
  const { harness, list } = await install({ stdout: 'half' });
  const run = wholeRun();
  await harness.run(run);
  await until(harness, () => harness.said.includes('report Running'));
  await harness.stop(run.executionId);
  await until(harness, () => harness.said.includes('report Cancelled'));
  expect(harness.reports.at(-1)).toMatchObject({ state: 'Cancelled', output: { stdout: 'half', exitCode: -1 } });
  expect(list.published).toEqual([]);
});

test('the time before a restart is not lost', async () => {
  const { harness } = await install({ pullMs: 700, runMs: 5_000 });
  await harness.run(runSpec());
  await harness.clock.advance(1_000);
  const next = await harness.killAndRestart();
  await next.clock.advance(10_000);
  expect(next.reports.at(-1)).toMatchObject({
    state: 'Completed',
    phases: { pull: 700, run: expect.any(Number) as number },
  });
});

describe('a failure says which step it was', () => {
  const failing = async (more: Partial<Parameters<typeof Harness.startIn>[0]['ports']>, run: RunSpec) => {
    const clock = new FakeClock();
    const engine = new FakeEngine(clock, () => ({ runMs: 1, stdout: 'done' }));
    const harness = await Harness.startIn({ clock, engine, ports: { workFolder, ...more } });
    await harness.run(run);
    await until(harness, () => harness.reports.some(({ state }) => state === 'Failed'));
    return { report: harness.reports.find(({ state }) => state === 'Failed'), engine };
  };

  test('an input that cannot be had: nothing is started', async () => {
    const failure = makeFailure('environment', 'Downloading Inputs', 'nobody there');
    const input: Input = { ...wordInput, fetch: () => Promise.reject(new StepError(failure)) };
    const { report, engine } = await failing({ inputs: [input], publishers: [new ListPublisher()] }, wholeRun());
    expect(report).toMatchObject({ failure, output: null });
    expect(engine.starts.size).toBe(0);
  });

  test('an input of wrong parameters: nothing is got', async () => {
    const source = { Source: { Type: 'inline', Params: { URL: 'no data' } }, Alias: '', Target: '/in' };
    const { report } = await failing({}, runSpec({ task: task({}, { InputSources: [source] }) }));
    expect(report).toMatchObject({ failure: { class: 'permanent', topic: 'Downloading Inputs' } });
    expect(existsSync(workFolder)).toBe(false);
  });

  test('a publisher that fails: what was printed is kept', async () => {
    const publisher = Object.assign(new ListPublisher(), { publish: () => Promise.reject(new Error('no bucket')) });
    const { report } = await failing({ inputs: [wordInput], publishers: [publisher] }, wholeRun());
    expect(report).toMatchObject({
      failure: { class: 'environment', topic: 'Publishing Results', message: 'failed to publish result: no bucket' },
      output: { stdout: 'done', exitCode: 0 },
    });
  });
});

describe('a process that is killed at a step is followed by one that ends the task once, and leaves nothing', () => {
  const kills = [...steps.map(({ name }) => name), 'clean up' as const].flatMap((at) =>
    (['before', 'after'] as const).map((when): Kill => ({ at, when })),
  );

  for (const kill of kills) {
    test(`${kill.when} ${kill.at}`, async () => {
      const { harness, gate, engine, list } = await install();
      const run = wholeRun();
      gate.kill = kill;
      await harness.run(run);
      await until(harness, () => gate.isReached);
      gate.kill = null;
      const next = await harness.killAndRestart();
      await until(next, () => ends(next) > 0 && engine.size === 0 && !existsSync(workFolder));
      expect(engine.starts.get(run.executionId)).toBe(1);
      const { executionId } = run;
      expect(new Set(list.published.map((one) => JSON.stringify(one)))).toEqual(
        new Set([JSON.stringify({ executionId, stdout: 'done', exitCode: '0' })]),
      );
      expect(next.reports.findLast(({ state }) => state === 'Completed')).toMatchObject({ output: { stdout: 'done' } });
    });
  }

  test('every record that a step writes is one of the journal, and before an effect of its own', () => {
    const records = JournalRecord.options.map((option) => option.shape.type.value);
    expect(records).toEqual(expect.arrayContaining(['starting', 'ran']));
    expect(steps.filter((step) => step.record !== undefined).map(({ name }) => name)).toEqual(['start', 'collect']);
  });
});
