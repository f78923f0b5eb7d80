import { DurableObject } from 'cloudflare:workers';
import { DEFAULT_CELL, ExecutionId } from '../../schema/ids.ts';
import { LOG_PULL_BYTES } from '../../schema/limits.ts';
import { NO_LOG_CODE } from '../../schema/protocol/log-link.ts';
import { isTerminalComputeState } from '../../schema/states.ts';
import type { Env } from '../env.ts';
import { log } from '../log.ts';
import { findLogOwner } from '../store/reads/log-owner.ts';
import { AgentLink, LinkGone } from './agent-link.ts';
import { errorFrame, FrameWriter } from './frames.ts';
import { Pace } from './pace.ts';
import { LogParts, type Piece } from './parts.ts';

/** How long an agent may take to dial in after it was asked. */
const DIAL_MS = 5_000;
/** How long a reader waits for a log that cannot be had at present, once its task has ended. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 500;
const DONE = 1000;
/** Bacalhau's words for a log that does not come. */
const TIMEOUT_TEXT = 'timeout while waiting for execution logs';

interface Viewer {
  readonly socket: WebSocket;
  readonly follow: boolean;
  readonly tail: boolean;
  gone: boolean;
}

/**
 * Where the readers of one execution's log and the agent that has it meet. Each reader is served by offset, first from the
 * parts that are stored, then from the agent; nothing is kept here but what workerd holds for a reader who is slower than
 * his `Pace`, so it may be thrown away at any moment.
 */
export class LogStream extends DurableObject<Env> {
  #viewers = new Set<Viewer>();
  #agent: AgentLink | null = null;
  #dialled: (() => void)[] = [];
  #asking: Promise<boolean> | null = null;

  /** Takes a WebSocket of the agent (path `/agent`) or of a reader. The Worker has checked both. */
  override fetch(request: Request): Response {
    const url = new URL(request.url);
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = 'arraybuffer';
    if (url.pathname === '/agent') this.#takeAgent(server);
    else this.#takeViewer(server, url);
    return new Response(null, { status: 101, webSocket: client });
  }

  #takeAgent(socket: WebSocket): void {
    const link = new AgentLink(socket, (gone) => {
      if (this.#agent === gone) this.#agent = null;
    });
    if (this.#viewers.size === 0) return link.close();
    this.#agent?.close();
    this.#agent = link;
    const dialled = this.#dialled;
    this.#dialled = [];
    for (const wake of dialled) wake();
  }

  #takeViewer(socket: WebSocket, url: URL): void {
    const flag = (name: string): boolean => url.searchParams.get(name) === 'true';
    const viewer: Viewer = { socket, follow: flag('follow'), tail: flag('tail'), gone: false };
    this.#viewers.add(viewer);
    const leave = (): void => {
      viewer.gone = true;
      this.#viewers.delete(viewer);
      if (this.#viewers.size > 0) return;
      this.#agent?.close();
      this.#agent = null;
    };
    socket.addEventListener('close', leave);
    socket.addEventListener('error', leave);
    const executionId = ExecutionId.parse(url.searchParams.get('execution'));
    void this.#serve(viewer, executionId).finally(leave);
  }

  /** Sends the log to its end, or an error, and closes. Never rejects. */
  async #serve(viewer: Viewer, executionId: ExecutionId): Promise<void> {
    try {
      await this.#send(viewer, executionId);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log('log.failed', { executionId, error: text }, 'warn');
      trySend(viewer.socket, errorFrame(text));
    }
    try {
      viewer.socket.close(DONE);
    } catch {
      // The reader was faster.
    }
  }

  async #send(viewer: Viewer, executionId: ExecutionId): Promise<void> {
    const parts = new LogParts(this.env.BLOBS, executionId);
    await parts.refresh();
    const frames = new FrameWriter();
    // Embedded, object and reader share the machine's memory, and a reader is as fast as the machine.
    const pace = this.env.SHOAL_MODE === 'open' ? null : new Pace(Date.now());
    let from: number | null = viewer.tail ? parts.end : 0;
    let reading = this.#read(viewer, { executionId, parts, from });
    while (!viewer.gone) {
      const piece: Piece | null = await reading;
      if (piece === null) break;
      // The next piece is on its way while this one is sent; an empty one came from the end of a log that stands still.
      if (!piece.end && piece.chunks.length > 0) {
        reading = this.#read(viewer, { executionId, parts, from: piece.next });
        reading.catch(() => {});
      }
      for (const frame of frames.write(piece.chunks)) trySend(viewer.socket, frame);
      const waitMs = pace?.sent(piece.chunks.length, Date.now()) ?? 0;
      if (waitMs > 0) await pauseFor(waitMs);
      const stands = piece.next === from;
      from = piece.next;
      if (piece.end || (!viewer.follow && (stands || viewer.tail))) break;
      if (piece.chunks.length === 0) reading = this.#read(viewer, { executionId, parts, from });
    }
    for (const frame of frames.end()) trySend(viewer.socket, frame);
  }

  /** The next piece, wherever it is; null when the reader has gone. @throws when the log cannot be had */
  async #read(
    viewer: Viewer,
    { executionId, parts, from }: { executionId: ExecutionId; parts: LogParts; from: number | null },
  ): Promise<Piece | null> {
    const stored = from === null ? null : await parts.read(from, LOG_PULL_BYTES);
    if (stored !== null) return stored;
    let waitedMs = 0;
    while (!viewer.gone) {
      const startedAt = Date.now();
      const piece = await this.#pull(viewer, executionId, from);
      if (piece !== null) return piece;
      // What the agent does not have (any more) may have been stored in the meantime.
      await parts.refresh();
      const late = from === null ? null : await parts.read(from, LOG_PULL_BYTES);
      if (late !== null) return late;
      if (from === null && parts.end !== null) return { chunks: new Uint8Array(0), next: parts.end, end: true };
      await pauseFor(RETRY_MS);
      waitedMs += Date.now() - startedAt;
      if (waitedMs > PATIENCE_MS && !(viewer.follow && (await this.#isLive(executionId))))
        throw new Error(TIMEOUT_TEXT);
    }
    return null;
  }

  async #pull(viewer: Viewer, executionId: ExecutionId, from: number | null): Promise<Piece | null> {
    if (this.#agent === null && !(await this.#ask(executionId))) return null;
    try {
      return (await this.#agent?.pull(from, viewer.follow && from !== null)) ?? null;
    } catch (error) {
      if (!(error instanceof LinkGone)) throw error;
      if (error.code !== NO_LOG_CODE) log('log-link.gone', { executionId, code: error.code }, 'warn');
      return null;
    }
  }

  /** Has the agent dial in; all who wait share one request. */
  #ask(executionId: ExecutionId): Promise<boolean> {
    this.#asking ??= this.#askOnce(executionId).finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #askOnce(executionId: ExecutionId): Promise<boolean> {
    const owner = await findLogOwner(this.env.DB, executionId);
    if (owner === null) return false;
    const dialled = new Promise<boolean>((resolve) => this.#dialled.push(() => resolve(true)));
    if (!(await this.env.SCHEDULER.getByName(DEFAULT_CELL).openLog(executionId, owner.nodeId))) return false;
    let timer: number | null = null;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), DIAL_MS);
    });
    return Promise.race([dialled, late]).finally(() => clearTimeout(timer));
  }

  async #isLive(executionId: ExecutionId): Promise<boolean> {
    const owner = await findLogOwner(this.env.DB, executionId);
    return owner !== null && !isTerminalComputeState(owner.computeState);
  }
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function trySend(socket: WebSocket, frame: string): void {
  try {
    socket.send(frame);
  } catch {
    // The reader has gone; its close says so.
  }
}
