import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryMbOf } from '../machine/cpu.ts';
import { Unmet, type Row } from '../row.ts';
import { withAgent } from './docker.ts';
import { follow, submit, untilState } from './logs.ts';

/** Readers that ask for a long log and take nothing of it, and one beside them that takes all of it. */

const BYTES = 150_000_000;
const SCRIPT = `yes 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ. | head -c ${BYTES}`;
const READERS = 16;
/** Without a bound all of the log is held for each of them by then. */
const STALL_MS = 15_000;

export const stalledReaders = {
  name: 'stalled-readers',
  measures: {
    memory: {
      name: `workerd's growth by ${READERS} readers that take nothing of 150 MB`,
      unit: 'MB',
      better: 'less',
      target: 150,
    },
    alone: { name: 'a reader who takes all of it, alone', unit: 'MB/s', better: 'more' },
    beside: { name: 'the same beside those who take nothing', unit: 'MB/s', better: 'more' },
  },
  rounds: { full: 2, quick: 0 },
  deadlineMs: 180_000,
  needsDocker: true,
  needsLinux: true,
  async open(tree, setting) {
    const { installation } = await withAgent(tree, setting);
    const id = await submit(installation, SCRIPT, 1);
    await untilState(installation, id, ['Completed'], 500);
    const read = async () => {
      const startedAt = performance.now();
      let bytes = 0;
      await follow(installation, id, (text) => (bytes += text.length));
      if (bytes !== BYTES) throw new Unmet(`the reader saw ${bytes} of ${BYTES} bytes`);
      return BYTES / 1_000 / (performance.now() - startedAt);
    };
    await read();
    const round = async () => {
      const alone = await read();
      const before = memoryMbOf(installation.workerdPid() ?? 0);
      const stalled = Array.from({ length: READERS }, () => stall(installation.url, id));
      try {
        await sleep(STALL_MS);
        const memory = memoryMbOf(installation.workerdPid() ?? 0) - before;
        return { memory, alone, beside: await read() };
      } finally {
        for (const socket of stalled) socket.destroy();
      }
    };
    return { round, close: () => installation.close() };
  },
} satisfies Row<'memory' | 'alone' | 'beside'>;

/** Asks for the log, and never reads. */
function stall(url: string, id: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.pause();
  socket.on('error', () => {});
  socket.write(
    `GET /api/v1/orchestrator/jobs/${id}/logs HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
  );
  return socket;
}
