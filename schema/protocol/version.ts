/**
 * Goes up when a frame changes in a way that the other end must know; `version.test.ts` compares a hash of all frames.
 * This version and the one before are served.
 *
 * 1: hello, holds, ack, reject, report, capacity, bye; welcome, run, stop, keep, ackReport.
 * 2: openLog, and a token in `run`; the link for one execution's log.
 */
export const PROTOCOL_VERSION = 2;
export const MIN_PROTOCOL_VERSION = 1;

/** Where agents dial in, as a WebSocket upgrade. */
export const CONNECT_PATH = '/api/v1/compute/connect';

/** Why a socket was closed; the agent redials unless the code says that it must not. */
export const closeCodes = {
  /** A newer session of the same node took over. */
  replaced: 4001,
  /** Two agents use one identity and keep replacing each other. */
  identityUsedTwice: 4002,
  /** The node is rejected and has been emptied. */
  rejected: 4003,
  /** The agent speaks a protocol version that is not served. */
  unsupportedVersion: 4004,
  /** A frame before `hello`, or one that does not belong here. */
  protocolError: 4005,
  /** The node was silent for longer than its lease. */
  silent: 4006,
  /** The node was deleted: this identity may not come back. */
  deleted: 4007,
} as const;

/** The text frames of the heartbeat; the runtime answers them without waking the Scheduler. */
export const PING = 'ping';
export const PONG = 'pong';
