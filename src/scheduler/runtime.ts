import type { Ports } from './ports.ts';

/**
 * What the Scheduler uses of a Durable Object, as far as it uses it: the runtime's own objects fit, and so do those that
 * a simulation brings.
 */

/** One agent's WebSocket at the object's end. */
export interface ObjectSocket {
  readonly readyState: number;
  send(frame: string): void;
  close(code: number, reason: string): void;
  /** Outlives the object's memory, for as long as the socket does. */
  serializeAttachment(attachment: unknown): void;
  deserializeAttachment(): unknown;
}

/** `WebSocket.OPEN`, which exists only in the runtime. */
export const SOCKET_OPEN = 1;

export interface ObjectStorage {
  get<T>(key: string): Promise<T | undefined>;
  put(key: string, value: unknown): Promise<void>;
  setAlarm(at: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

export interface ObjectContext {
  readonly storage: ObjectStorage;
  getWebSockets(): ObjectSocket[];
  /** When the runtime last answered a heartbeat of the socket. */
  getWebSocketAutoResponseTimestamp(socket: ObjectSocket): Date | null;
}

/** The outside world of a shell beside its object. */
export type ShellPorts = Pick<Ports, 'store' | 'now' | 'newId' | 'sleep' | 'within' | 'log' | 'executionToken'>;
