import { cutText } from '../text.ts';

/**
 * Goes up when a frame changes in a way that the other end must know; `version.test.ts` compares a hash of all frames.
 * This version and the one before are served.
 *
 * 1: hello, holds, ack, reject, report, capacity, bye; welcome, run, stop, keep, ackReport.
 * 2: openLog, and a token in `run`; the link for one execution's log.
 * 3: a host name in `hello`, and in `hello` and `capacity` what the machine's owner allows. A rejected node stays connected, as one that waits for approval does.
 *    Output in a report of Cancelled. How long each phase of an execution took, in the report of its end.
 */
export const PROTOCOL_VERSION = 3;
export const MIN_PROTOCOL_VERSION = 2;

/** Where agents dial in, as a WebSocket upgrade. */
export const CONNECT_PATH = '/api/v1/compute/connect';

/** Why a socket was closed; the agent redials unless the code says that it must not. */
export const closeCodes = {
  /** More frames, bytes or connections than an agent needs. */
  policyViolation: 1008,
  /** There is no room at present. */
  tryAgainLater: 1013,
  /** A newer session of the same node took over. */
  replaced: 4001,
  /** Two agents use one identity and keep replacing each other. */
  identityUsedTwice: 4002,
  /** The node is rejected and has been emptied. Not sent since version 3. */
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

/** RFC 6455: a close frame holds at most 125 bytes, two of them the code. */
const MAX_CLOSE_REASON_BYTES = 123;

/** What fits into a close frame; a longer reason makes `close` throw, and the other end would not be told at all. */
export function closeReason(text: string): string {
  return cutText(text, MAX_CLOSE_REASON_BYTES);
}
