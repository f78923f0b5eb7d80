import { describe, expect, test } from 'vitest';
import { NodeId } from '../../schema/ids.ts';
import { readAttachment, writeAttachment, type Attachment } from './attachment.ts';
import type { ObjectContext, ObjectSocket } from './runtime.ts';
import { Sockets } from './sockets.ts';

/** What the runtime keeps for a connection, whichever object stands for it. */
interface Kept {
  text: string;
  reads: number;
  writes: number;
  isFull: boolean;
}

/** One object for the connection: the runtime makes another after a hibernation. */
function socketOf(kept: Kept): ObjectSocket {
  return {
    readyState: 1,
    send: () => {},
    close: () => {},
    serializeAttachment: (attachment) => {
      if (kept.isFull) throw new Error('too large');
      kept.text = JSON.stringify(attachment);
      kept.writes += 1;
    },
    deserializeAttachment: () => {
      kept.reads += 1;
      return kept.text === '' ? null : JSON.parse(kept.text);
    },
  };
}

const attachment: Attachment = {
  v: 1,
  session: 's-1',
  node: NodeId.parse('n-a'),
  agentInstance: 'i',
  connectedAt: 1,
  holdsWork: false,
};
const nothing = (): Kept => ({ text: '', reads: 0, writes: 0, isFull: false });

describe('an attachment', () => {
  test('is read and parsed once a socket object, however often it is asked for', () => {
    const kept = { ...nothing(), text: JSON.stringify(attachment) };
    const socket = socketOf(kept);
    const ctx: ObjectContext = {
      storage: {
        get: async () => undefined,
        put: async () => {},
        setAlarm: async () => {},
        deleteAlarm: async () => {},
      },
      getWebSockets: () => [socket],
      getWebSocketAutoResponseTimestamp: () => new Date(5),
    };
    const sockets = new Sockets(ctx);
    for (let i = 0; i < 1_000; i++) expect(sockets.lastHeard('s-1')).toBe(5);
    expect(kept.reads).toBe(1);
  });

  test('that was not there is not asked for again until it is written', () => {
    const kept = nothing();
    const socket = socketOf(kept);
    expect([readAttachment(socket), readAttachment(socket)]).toEqual([null, null]);
    writeAttachment(socket, attachment);
    expect(readAttachment(socket)).toEqual(attachment);
    expect(kept).toMatchObject({ reads: 1, writes: 1 });
  });

  test('is read anew by the object after a hibernation, as the last one wrote it', () => {
    const kept = nothing();
    const before = socketOf(kept);
    writeAttachment(before, attachment);
    writeAttachment(before, { ...attachment, holdsWork: true });
    expect(readAttachment(socketOf(kept))).toEqual({ ...attachment, holdsWork: true });
  });

  test('that could not be written is written the next time', () => {
    const kept = nothing();
    const socket = socketOf(kept);
    kept.isFull = true;
    expect(() => writeAttachment(socket, attachment)).toThrow('too large');
    expect(readAttachment(socket)).toBeNull();
    kept.isFull = false;
    writeAttachment(socket, attachment);
    expect(readAttachment(socketOf(kept))).toEqual(attachment);
  });

  test('of another version of the code is none', () => {
    expect(readAttachment(socketOf({ ...nothing(), text: '{"v":2}' }))).toBeNull();
  });
});
