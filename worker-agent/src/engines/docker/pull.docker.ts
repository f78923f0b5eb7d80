import Docker from 'dockerode';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import type { Outcome } from '../../executions/outcome.ts';
import { FakeRegistry } from '../../testing/fake-registry.ts';
import { runOn, runOnDocker } from '../../testing/on-docker.ts';
import { runSpec, task } from '../../testing/run-spec.ts';
import { DockerEngine } from './docker.ts';

const docker = new Docker();
const engine = new DockerEngine(NodeId.parse('n-pull-test'), process.env['DOCKER_HOST'] ?? null);
let registry: FakeRegistry;

beforeAll(async () => {
  await engine.probe();
  registry = await FakeRegistry.start(docker);
});

afterEach(async () => {
  registry.delayMs = 0;
  registry.login = null;
  registry.onAsked = () => {};
  for (const { executionId } of await engine.list()) await engine.remove(executionId);
  await docker
    .getImage(registry.image)
    .remove({ force: true })
    .catch(() => {});
});

afterAll(() => registry.close());

function echo(image: string, executionTimeoutMs = 0): RunSpec {
  return runSpec({ task: task({ Image: image, Entrypoint: ['echo', 'pulled'] }), executionTimeoutMs });
}

async function run(spec: RunSpec, stop?: AbortSignal): Promise<Outcome> {
  return runOn(engine, spec, { ...(stop !== undefined && { stop }) });
}

describe('an image that is not on the node', () => {
  test('[pull:not run time] is pulled, and the time that takes is not the task’s', async ({ expect }) => {
    registry.delayMs = 1_500;
    const outcome = await run(echo(registry.image, 1_000));
    expect(outcome).toMatchObject({ type: 'completed', output: { stdout: 'pulled\n', exitCode: 0 } });
  });

  test('[pull:credentials] of a registry that asks for a login is pulled with the owner’s credentials', async ({
    expect,
  }) => {
    registry.login = 'ann:secret';
    // Another node may have the login.
    const hint = expect.stringContaining('no login') as string;
    expect(await run(echo(registry.image))).toMatchObject({ failure: { class: 'environment', hint } });
    const env = { DOCKER_USERNAME: 'ann', DOCKER_PASSWORD: 'secret', DOCKER_REGISTRY: registry.host };
    const knowing = new DockerEngine(NodeId.parse('n-pull-test'), process.env['DOCKER_HOST'] ?? null, { env });
    await knowing.probe();
    const spec = echo(registry.image);
    expect(await runOnDocker(knowing, spec)).toMatchObject({ type: 'completed', output: { stdout: 'pulled\n' } });
  });

  test('[pull:platform] made for another platform is not run, also when it is on the node', async ({ expect }) => {
    await new Promise((resolve, reject) => {
      docker
        .pull(registry.foreignImage, { platform: 'linux/s390x' })
        .then((stream) => stream.on('end', resolve).resume(), reject);
    });
    expect(await docker.getImage(registry.foreignImage).inspect()).toMatchObject({ Architecture: 's390x' });
    expect(await run(echo(registry.foreignImage))).toMatchObject({
      type: 'failed',
      failure: { class: 'environment', hint: expect.stringContaining('platform') as string },
    });
    await docker.getImage(registry.foreignImage).remove({ force: true });
  });

  test('and not in the registry is a permanent failure', async ({ expect }) => {
    expect(await run(echo(registry.missingImage))).toMatchObject({
      type: 'failed',
      failure: {
        class: 'permanent',
        message: `image not available: "${registry.missingImage}"`,
        topic: 'Preparing Environment',
      },
    });
  });

  test('[pull:stop] is not waited for once the execution is stopped, and never starts', async ({ expect }) => {
    registry.delayMs = Infinity;
    const stop = new AbortController();
    const spec = echo(registry.image);
    registry.onAsked = () => stop.abort({ kind: 'stop', message: 'not wanted', output: null });
    // The registry never answers: whoever waits for it waits longer than a test may last.
    expect(await run(spec, stop.signal)).toEqual({ type: 'cancelled', message: 'not wanted', output: null });
    expect(await engine.find(spec.executionId)).toBeNull();
  });
});
