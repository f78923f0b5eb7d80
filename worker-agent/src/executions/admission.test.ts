import * as fc from 'fast-check';
import { describe, test } from 'vitest';
import { NodeId } from '@shoal/schema/ids';
import { admit, sumResources, type Offers } from './admission.ts';
import { DockerEngine } from '../engines/docker/docker.ts';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { runSpec, task } from '../testing/run-spec.ts';

const offers: Offers = {
  engines: ['docker'],
  publishers: ['noop'],
  sources: [],
  capacity: { cpu: 1, memory: 1_000, disk: 1_000, gpu: 0 },
  policy: { allowHostNetwork: false, unfilteredBridge: false },
};
const open = { ...offers, policy: { allowHostNetwork: true, unfilteredBridge: true } };
const none = { cpu: 0, memory: 0, disk: 0, gpu: 0 };
const half = { cpu: 0.5, memory: 500, disk: 0, gpu: 0 };

const withTask = (more: Parameters<typeof task>[1]): RunSpec => runSpec({ task: task({}, more), resources: half });

const taken: { name: string; run: RunSpec; offers?: Offers; network: string }[] = [
  { name: 'network None', run: withTask({ Network: { Type: 'None' } }), network: 'none' },
  {
    name: 'network Default is None where there is no Bridge',
    run: withTask({ Network: { Type: 'Default' } }),
    network: 'none',
  },
  {
    name: 'network Default is Bridge where it is offered',
    run: withTask({ Network: { Type: 'Default' } }),
    offers: open,
    network: 'bridge',
  },
  {
    name: '[allow:unfiltered bridge] network Bridge by policy',
    run: withTask({ Network: { Type: 'Bridge' } }),
    offers: open,
    network: 'bridge',
  },
  {
    name: '[network:Default] network Default as a filtered bridge where that can be had',
    run: withTask({ Network: { Type: 'Default' } }),
    offers: { ...offers, isolates: true },
    network: 'filtered',
  },
  {
    name: 'network HTTP where tasks can be kept away from the network of the owner',
    run: withTask({ Network: { Type: 'HTTP', Domains: ['a.example'] } }),
    offers: { ...offers, isolates: true },
    network: 'http',
  },
  {
    name: 'ports',
    run: withTask({ Network: { Type: 'Bridge', Ports: [{ Name: 'web' }] } }),
    offers: { ...offers, isolates: true },
    network: 'filtered',
  },
  {
    name: 'a static port inside the range that its owner names',
    run: withTask({ Network: { Type: 'Bridge', Ports: [{ Name: 'api', Static: 20_010 }] } }),
    offers: { ...open, policy: { ...open.policy, portRange: { from: 20_000, to: 20_010 } } },
    network: 'bridge',
  },
  {
    name: '[allow:env] [allow:capability] variables and capabilities that its owner allows',
    run: runSpec({
      task: task({ Capabilities: ['net_bind_service'] }, { Env: { KEY: 'env:AWS_KEY' } }),
      resources: half,
    }),
    offers: { ...offers, policy: { ...offers.policy, envPatterns: ['AWS_*'] } },
    network: 'none',
  },
  {
    name: '[allow:host network] network Host by policy',
    run: withTask({ Network: { Type: 'Host' } }),
    offers: open,
    network: 'host',
  },
  { name: 'an engine whatever its case', run: withTask({ Engine: { Type: 'Docker' } }), network: 'none' },
  { name: 'publisher noop', run: withTask({ Publisher: { Type: 'noop' } }), network: 'none' },
  { name: 'all that is free', run: runSpec({ resources: offers.capacity }), network: 'none' },
];

const declined: { name: string; run: RunSpec; offers?: Offers; reason: string }[] = [
  {
    name: 'an engine that is not here',
    run: withTask({ Engine: { Type: 'wasm' } }),
    reason: 'this node does not support "wasm"',
  },
  {
    name: 'Docker while it does not answer',
    run: withTask({}),
    offers: { ...offers, engines: [] },
    reason: 'this node does not support "docker"',
  },
  {
    name: 'a publisher that is not here',
    run: withTask({ Publisher: { Type: 's3' } }),
    reason: 'this node does not support "s3"',
  },
  {
    name: 'an input source that is not here',
    run: withTask({ InputSources: [{ Source: { Type: 'urlDownload' }, Alias: '', Target: '/in' }] }),
    reason: 'this node does not support "urlDownload"',
  },
  {
    name: 'result paths',
    run: withTask({ ResultPaths: [{ Name: 'out', Path: '/out' }] }),
    reason: 'this node does not support result paths',
  },
  {
    name: 'network HTTP',
    run: withTask({ Network: { Type: 'HTTP', Domains: ['a.example'] } }),
    offers: open,
    reason: 'this node does not offer network type HTTP: it cannot keep tasks away from its own network',
  },
  {
    name: 'network Host',
    run: withTask({ Network: { Type: 'Host' } }),
    reason: 'this node does not offer network type Host (its owner may allow it with --allow-host-network)',
  },
  {
    name: 'network Bridge',
    run: withTask({ Network: { Type: 'Bridge' } }),
    reason:
      'this node does not offer network type Bridge: it cannot keep tasks away from its own network (its owner may allow that with --unfiltered-bridge)',
  },
  {
    name: '[allow:ports] ports, where its owner does not want them',
    run: withTask({ Network: { Type: 'Bridge', Ports: [{ Name: 'web' }] } }),
    offers: { ...open, policy: { ...open.policy, ports: false } },
    reason: 'this node does not publish ports',
  },
  {
    name: '[allow:ports] [port:Static] a static port outside the range that its owner names',
    run: withTask({ Network: { Type: 'Bridge', Ports: [{ Name: 'web' }, { Name: 'api', Static: 20_011 }] } }),
    offers: { ...open, policy: { ...open.policy, portRange: { from: 20_000, to: 20_010 } } },
    reason: 'this node publishes ports 20000 to 20010 only: port api asks for 20011',
  },
  {
    name: 'ports without a network that has them',
    run: withTask({ Network: { Type: 'Default', Ports: [{ Name: 'web' }] } }),
    reason: 'ports need network type Host or Bridge',
  },
  {
    name: 'capabilities that its owner does not give',
    run: runSpec({ task: task({ capabilities: ['CAP_NET_BIND_SERVICE', 'sys_admin'] }), resources: half }),
    reason: 'this node does not give capability SYS_ADMIN (its owner may allow it with --allow-capability)',
  },
  {
    name: 'a variable of the node that only begins like an allowed one',
    run: withTask({ Env: { KEY: 'env:AWS_KEY_2' } }),
    offers: { ...offers, policy: { ...offers.policy, envPatterns: ['AWS_KEY', 'GCP.KEY*'] } },
    reason:
      "this node does not resolve environment variable KEY: environment variable 'AWS_KEY_2' is not in allowed patterns",
  },
  {
    name: 'the secrets of the agent, whatever its owner allows',
    run: withTask({ Env: { A: 'env:SHOAL_NODE_TOKEN', B: 'env:docker_password', C: 'env:DOCKER_USERNAME' } }),
    offers: { ...offers, policy: { ...offers.policy, envPatterns: ['*', 'SHOAL_NODE_TOKEN', 'docker_*'] } },
    reason: [
      ['A', 'SHOAL_NODE_TOKEN'],
      ['B', 'docker_password'],
      ['C', 'DOCKER_USERNAME'],
    ]
      .map(
        ([name, wanted]) =>
          `this node does not resolve environment variable ${name}: environment variable '${wanted}' is not in allowed patterns`,
      )
      .join('; '),
  },
  {
    name: 'variables of the node',
    run: withTask({ Env: { KEY: 'env:HOME', PLAIN: 'http://x' } }),
    reason:
      "this node does not resolve environment variable KEY: environment variable 'HOME' is not in allowed patterns",
  },
  {
    name: '[limit:capacity] more than it has',
    run: runSpec({ resources: { cpu: 2, memory: 512_000_000, disk: 0, gpu: 1 } }),
    reason:
      'insufficient resources - requested: {CPU: 2.00, Memory: 512 MB, Disk: 0 B, GPU: 1}, available: {CPU: 1.00, Memory: 1 kB, Disk: 1 kB, GPU: 0}',
  },
];

/** Its owner gives one capability. */
const docker = new DockerEngine(NodeId.parse('n-1'), null, { capabilities: ['NET_BIND_SERVICE'] });

const caps = fc.array(fc.constantFrom('SYS_ADMIN', 'cap_net_admin', 'ALL'), { maxLength: 2 });

describe('a node takes', () => {
  for (const { name, run, offers: given = offers, network } of taken) {
    test(name, ({ expect }) => {
      expect(admit(docker.examine(run), given, none)).toEqual({ ok: true, network });
    });
  }
});

describe('a node declines', () => {
  for (const { name, run, offers: given = offers, reason } of declined) {
    test(name, ({ expect }) => {
      expect(admit(docker.examine(run), given, none)).toEqual({ ok: false, reason });
    });
  }

  test('no capability that the engine would give in the end, however its key is spelt', ({ expect }) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.mixedCase(fc.constant('capabilities')), caps), { maxLength: 3 }), (given) => {
        const run = runSpec({ task: task(Object.fromEntries(given)), resources: half });
        const examined = docker.examine(run);
        expect(admit(examined, offers, none).ok).toBe((examined.params?.capabilities ?? []).length === 0);
      }),
    );
  });

  test('for all reasons at once', ({ expect }) => {
    const run = withTask({ Engine: { Type: 'wasm' }, Publisher: { Type: 's3' } });
    const reason = 'this node does not support "wasm"; this node does not support "s3"';
    expect(admit({ run, refusals: [] }, offers, none)).toEqual({ ok: false, reason });
  });

  test('what does not fit beside what runs, but counts tenths of cores exactly', ({ expect }) => {
    const tenth = { cpu: 0.1, memory: 1, disk: 0, gpu: 0 };
    const nine = sumResources(Array.from({ length: 9 }, () => tenth));
    const run = runSpec({ resources: tenth });
    expect(admit({ run, refusals: [] }, offers, nine).ok).toBe(true);
    expect(admit({ run, refusals: [] }, offers, sumResources([nine, tenth])).ok).toBe(false);
  });
});
