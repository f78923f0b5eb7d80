import { WebSocket } from 'ws';
import { CONNECT_PATH, PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { Attack, Strike, Target } from './attack.ts';

/** What an agent that was let in sends at once before it waits for an answer. */
const FRAMES = 2_000;

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

function hello(nodeId: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const capacity = { cpu: 1, memory: 1e9, disk: 1e9, gpu: 0 };
  const offers = { labels: {}, engines: ['docker'], publishers: [], sources: [], capacity };
  const who = { agentInstance: nodeId, agentVersion: '0', os: 'linux', arch: 'amd64' };
  return { type: 'hello', protocol: PROTOCOL_VERSION, nodeId, ...who, ...offers, holds: [], more: false, ...more };
}

/** Connects as an agent, says this, and tells how the connection ended, or that it still stands a while later. */
function say({ port }: Target, frames: readonly Readonly<Record<string, unknown>>[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${CONNECT_PATH}`);
    const late = setTimeout(() => end('left open'), 1_000);
    const end = (answer: string) => {
      clearTimeout(late);
      resolve(answer);
      socket.terminate();
    };
    socket.on('error', () => end('broken'));
    socket.on('unexpected-response', (_, res) => end(String(res.statusCode)));
    socket.on('close', (code) => end(`closed ${code}`));
    socket.on('open', () => {
      for (const frame of frames) socket.send(JSON.stringify(frame));
    });
  });
}

const report = (n: number, seq: number) => ({
  type: 'report',
  executionId: `e-${uuid(n)}`,
  seq,
  state: 'Completed',
  output: { stdout: '', stdoutTruncated: false, stderr: '', stderrTruncated: false, exitCode: 0, errorMessage: '' },
});
const many = <T>(length: number, make: (n: number) => T): T[] => Array.from({ length }, (_, n) => make(n));

/** Agents that were let in, or that were not. */
const strikes: Readonly<Record<string, (target: Target) => Strike>> = {
  'an agent that reports without end': (target) => (count) =>
    say(target, [hello(`n-loud-${target.attacker}`), ...many(FRAMES, (n) => report(n, count + 1))]),
  'an agent whose capacity changes without end': (target) => () =>
    say(target, [
      hello(`n-changing-${target.attacker}`),
      ...many(FRAMES, (n) => {
        const capacity = { cpu: 1 + n, memory: 1e9, disk: 1e9, gpu: 0 };
        return { type: 'capacity', labels: {}, engines: ['docker'], publishers: [], sources: [], capacity };
      }),
    ]),
  'a new node with every connection': (target) => (count) =>
    say(target, [hello(`n-${target.attacker}-${count}`), { type: 'bye', reason: 'gone' }]),
  'hellos that list 50,000 executions': (target) => (count) => {
    const holds = (from: number) =>
      many(5_000, (n) => ({ executionId: `e-${uuid(from + n)}`, state: 'Running', lastSeq: 1 }));
    const rest = many(11, (n) => ({ type: 'holds', holds: holds(5_000 * (n + 1)), more: true }));
    return say(target, [hello(`n-full-${target.attacker}-${count % 4}`, { holds: holds(0), more: true }), ...rest]);
  },
  'connections that never say hello': (target) => () => say(target, []),
};

export const agentAttacks: readonly Attack[] = Object.entries(strikes).map(([name, arm]) => ({
  name,
  mode: 'open',
  arm,
}));
