import { expect, test } from 'vitest';
import type { NodeId } from '../../../schema/ids.ts';
import type { Needs, NodeInfo, NodeRecord } from '../../../schema/records.ts';
import { needs } from '../../../test/harness/core.ts';
import { amountsOf } from '../../../schema/amounts.ts';
import { whyNever, whyNot, type Candidate } from './filters.ts';
import { notEnoughNodes } from './reasons.ts';

const info: NodeInfo = {
  agentVersion: '0',
  os: 'linux',
  arch: 'amd64',
  labels: { zone: 'a' },
  engines: ['docker'],
  publishers: ['noop', 'local'],
  sources: ['inline'],
  capacity: { cpu: 2, memory: 1e9, disk: 1e9, gpu: 0 },
};

function candidate(node: Partial<NodeRecord> = {}, more: Partial<Candidate> = {}): Candidate {
  return {
    node: {
      id: 'n-a' as NodeId,
      cell: 'c',
      membership: 'APPROVED',
      connection: 'CONNECTED',
      draining: false,
      deletedAt: 0,
      info,
      lastError: '',
      connectedAt: 0,
      disconnectedAt: 0,
      createdAt: 0,
      modifiedAt: 0,
      ...node,
    },
    connected: true,
    free: amountsOf(info.capacity),
    openCount: 0,
    ...more,
  };
}

const cases: [want: string | null, needs: Partial<Needs>, candidate?: Candidate][] = [
  [null, {}],
  [null, { engine: 'DOCKER', publisher: 'Local', sources: ['Inline'] }],
  ['is waiting for approval', {}, candidate({ membership: 'PENDING' })],
  ['is rejected', {}, candidate({ membership: 'REJECTED' })],
  ['is not connected', {}, candidate({}, { connected: false })],
  ['does not support engine wasm, only docker', { engine: 'wasm' }],
  ['does not support engine docker', {}, candidate({ info: { ...info, engines: [] } })],
  ['does not support publisher s3, only local, noop', { publisher: 's3' }],
  ['does not support input source ipfs, only inline', { sources: ['inline', 'ipfs'] }],
  [
    "labels don't match required selectors [zone = b]",
    { constraints: [{ Key: 'zone', Operator: '=', Values: ['b'] }] },
  ],
  [
    'job requires more CPU (4.00) than the maximum available (2.00) and more memory (2 GB) than the maximum available (1 GB)',
    { resources: { cpu: 4, memory: 2e9, disk: 0, gpu: 0 } },
  ],
  ['job requires more GPUs (1) than the maximum available (0)', { resources: { cpu: 1, memory: 1, disk: 0, gpu: 1 } }],
  ['holds 50000 executions, and no more may', {}, candidate({}, { openCount: 50_000 })],
  [
    'node busy with available capacity {CPU: 0.50, Memory: 512 MB, Disk: 1 GB, GPU: 0}',
    {},
    candidate({}, { free: amountsOf({ cpu: 0.5, memory: 512e6, disk: 1e9, gpu: 0 }) }),
  ],
];

for (const [want, more, who = candidate()] of cases) {
  test(want ?? `suitable for ${JSON.stringify(more)}`, () => {
    expect(whyNot(who, { ...needs, ...more })).toBe(want);
    if (want === null || want.startsWith('node busy')) expect(whyNever(who, { ...needs, ...more })).toBeNull();
  });
}

test('reasons are grouped, the largest group first', () => {
  const reasons = ['n-1', 'n-2', 'n-3'].map((id, i) => ({
    nodeId: id as NodeId,
    reason: i === 0 ? 'is rejected' : 'is busy',
  }));
  expect(notEnoughNodes(2, reasons, 3)).toBe(
    'not enough nodes to run job. requested: 2, available: 3, suitable: 0.\n• 2 of 3 nodes: is busy\n• Node n-1: is rejected',
  );
});
