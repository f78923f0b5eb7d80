import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeId } from '@shoal/schema/ids';
import { Agent } from '../../worker-agent/src/agent.ts';
import { makeDial } from '../../worker-agent/src/link/dialer.ts';
import { FileJournal } from '../../worker-agent/src/journal/file-journal.ts';
import { systemClock } from '../../worker-agent/src/machine/clock.ts';
import { makeLog } from '../../worker-agent/src/machine/log.ts';
import { FileEngine } from './file-engine.ts';

/** The real agent on a fast engine. Arguments: URL, state folder, node id, cores. */
const [url = '', state = '', nodeId = '', cores = '1'] = process.argv.slice(2);

mkdirSync(state, { recursive: true });
const log = makeLog('warn', nodeId);
const agent = new Agent(
  {
    dial: makeDial(new URL(url), null),
    clock: systemClock,
    random: Math.random,
    log,
    engines: [new FileEngine(join(state, 'containers'))],
    journal: await FileJournal.open(join(state, 'journal'), Date.now, () => {}),
  },
  {
    nodeId: nodeId as NodeId,
    instance: randomUUID(),
    os: 'linux',
    arch: 'amd64',
    hostname: 'box',
    labels: {},
    capacity: { cpu: Number(cores), memory: 1e12, disk: 1e12, gpu: 0 },
    policy: { allowHostNetwork: false, unfilteredBridge: false },
  },
);
await agent.start();
