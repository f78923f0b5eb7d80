import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { FromAgent } from '../schema/protocol/from-agent.ts';
import type { ToAgent } from '../schema/protocol/to-agent.ts';
import { CONNECT_PATH, PROTOCOL_VERSION } from '../schema/protocol/version.ts';
import type { ExecutionId, NodeId } from '../schema/ids.ts';

export interface FakeAgentOptions {
  readonly nodeId?: string;
  /** Cores; default more than any bench needs. */
  readonly cpu?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** False: its tasks run until they are stopped. */
  readonly endsTasks?: boolean;
  /** Hears each frame as it arrives, before it is answered. */
  readonly onFrame?: (frame: ToAgent) => void;
}

/** An agent whose tasks end at once: what is left is the cost of Shoal itself. */
export async function fakeAgent(
  url: string,
  { nodeId = `n-${randomUUID()}`, cpu = 1_000_000, labels = {}, endsTasks = true, onFrame }: FakeAgentOptions = {},
): Promise<{ close: () => void; runs: () => number }> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}${CONNECT_PATH}`);
  let runs = 0;
  const send = (frame: FromAgent) => socket.send(JSON.stringify(frame));
  const welcomed = new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text === 'pong') return;
      const frame = JSON.parse(text) as ToAgent;
      onFrame?.(frame);
      if (frame.type === 'welcome') resolve();
      if (frame.type === 'stop') send(cancelled(frame.executionId));
      if (frame.type !== 'run') return;
      runs += 1;
      send({ type: 'ack', executionId: frame.executionId });
      if (endsTasks) send(completed(frame.executionId));
    });
    socket.on('open', () => {
      send({
        type: 'hello',
        protocol: PROTOCOL_VERSION,
        nodeId: nodeId as NodeId,
        agentInstance: randomUUID(),
        agentVersion: 'bench',
        os: 'linux',
        arch: 'amd64',
        labels,
        engines: ['docker'],
        publishers: ['noop'],
        sources: [],
        capacity: { cpu, memory: 1e15, disk: 1e15, gpu: 0 },
        holds: [],
        more: false,
      });
    });
  });
  await welcomed;
  const heartbeat = setInterval(() => socket.send('ping'), 15_000);
  return {
    runs: () => runs,
    close: () => {
      clearInterval(heartbeat);
      socket.close();
    },
  };
}

function completed(executionId: ExecutionId): FromAgent {
  const output = {
    stdout: 'hi\n',
    stdoutTruncated: false,
    stderr: '',
    stderrTruncated: false,
    exitCode: 0,
    errorMessage: '',
  };
  return { type: 'report', executionId, seq: 1, state: 'Completed', output };
}

function cancelled(executionId: ExecutionId): FromAgent {
  return { type: 'report', executionId, seq: 1, state: 'Cancelled', message: 'stopped' };
}
