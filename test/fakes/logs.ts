import { ExecutionId, JobId, NodeId } from '../../schema/ids.ts';
import type { LogsPort } from '../../src/logs/port.ts';

export const LOGGED = ExecutionId.parse('e-aaaaaaaa-0000-4000-8000-000000000001');
/** The token of that execution. */
export const LOG_TOKEN = '7'.repeat(64);

/** Logs of one execution: what is stored is noted, and there is room for it or not. Nothing can be read. */
export function makeFakeLogs(room: 'room' | 'bytes' | 'parts' = 'room') {
  const reserved: number[] = [];
  const stored: string[] = [];
  const unread = async (): Promise<never> => {
    throw new Error('nothing can be read here');
  };
  const logs: LogsPort = {
    findOwner: async () => ({
      executionId: LOGGED,
      jobId: JobId.parse('j-aaaaaaaa-0000-4000-8000-000000000001'),
      nodeId: NodeId.parse('n-one'),
      namespace: 'default',
      computeState: 'BidAccepted',
      computeMessage: '',
      hasRun: false,
      modifiedAt: 0,
    }),
    checkToken: async (_, token) => token === LOG_TOKEN,
    connect: unread,
    read: unread,
    choose: unread,
    refuse: () => new Response(null),
    reserve: async (_, bytes) => {
      reserved.push(bytes);
      return room;
    },
    putPart: async (_, { from, next, end }, chunks) => {
      stored.push(`${from}-${next} ${end} ${chunks.byteLength}`);
    },
  };
  return { logs, reserved, stored };
}
