import { DurableObject } from 'cloudflare:workers';
import { DEFAULT_CELL, ExecutionId, JobId } from '../../schema/ids.ts';
import { LOG_PULL_BYTES } from '../../schema/limits.ts';
import { NO_LOG_CODE } from '../../schema/protocol/log-link.ts';
import { isTerminalComputeState } from '../../schema/states.ts';
import type { Env } from '../env.ts';
import { log } from '../log.ts';
import { findLogOwner, type LogOwner } from '../store/reads/log-owner.ts';
import { findTokenExpiries } from '../store/reads/token-expiries.ts';
import { makeReads } from '../store/reads/reads.ts';
import { AgentLink, LinkGone } from './agent-link.ts';
import { LogParts, type Piece } from './parts.ts';
import { afterColon, awaitExecution } from './choose.ts';
import { openChunks, openFrames, openSocket, openText } from './reader-stream.ts';
import type { LogStreamRpc } from './log-stream-rpc.ts';
import { readChunkStream, type Sink } from './sinks.ts';
import { viewerQuery } from './viewer-query.ts';
import { StoredTotal, type Room } from './stored-total.ts';
import { TokenWatch } from './token-watch.ts';

/** How long an agent may take to dial in after it was asked. */
const DIAL_MS = 5_000;
/** How long a reader waits for a log that cannot be had at present, once its task has ended. */
const PATIENCE_MS = 15_000;
const RETRY_MS = 500;
const UNAVAILABLE = 503;
/** Bacalhau's words for a log that does not come. */
const TIMEOUT_TEXT = 'timeout while waiting for execution logs';

interface Viewer {
  /** By which `leave` knows him; null when he needs none. */
  readonly reader: string | null;
  /** Null: one of the job's, which may have none yet. */
  readonly executionId: ExecutionId | null;
  readonly jobId: JobId | null;
  readonly version: number;
  readonly follow: boolean;
  readonly tail: boolean;
  /** Aborted when he has left, or was told to: what is read for him is read for nobody. */
  readonly left: AbortController;
  leave: () => void;
}

/**
 * Where the readers of one execution's log and the agent that has it meet. Each reader is served by offset, first from the
 * parts that are stored, then from the agent; nothing is kept here, so it may be thrown away at any moment.
 */
export class LogStream extends DurableObject<Env> implements LogStreamRpc {
  readonly #viewers = new Set<Viewer>();
  readonly #tokens = new TokenWatch((ids) => findTokenExpiries(this.env.DB, ids));
  #agent: AgentLink | null = null;
  #dialled: (() => void)[] = [];
  #asking: Promise<boolean> | null = null;
  #stored: StoredTotal | null = null;

  async reserve(executionId: ExecutionId, bytes: number): Promise<Room> {
    this.#stored ??= new StoredTotal(async () => {
      const parts = new LogParts(this.env.BLOBS, executionId);
      await parts.refresh();
      return parts.total;
    });
    return this.#stored.reserve(bytes, Date.now());
  }

  async leave(reader: string): Promise<void> {
    for (const viewer of this.#viewers) if (viewer.reader === reader) viewer.leave();
  }

  /**
   * Takes the WebSocket of the agent (path `/agent`) or of a reader (`/socket`), or answers with the log as what goes over
   * a WebSocket (`/frames`), as text (`/text`) or as its chunks (`/chunks`). The Worker has checked all of them.
   */
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/agent') return this.#takeAgent();
    return this.#takeViewer(pathname, searchParams);
  }

  #takeAgent(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    server.binaryType = 'arraybuffer';
    const link = new AgentLink(server, (gone) => {
      if (this.#agent === gone) this.#agent = null;
    });
    const response = new Response(null, { status: 101, webSocket: client });
    if (this.#viewers.size === 0) {
      link.close();
      return response;
    }
    this.#agent?.close();
    this.#agent = link;
    const dialled = this.#dialled;
    this.#dialled = [];
    for (const wake of dialled) wake();
    return response;
  }

  async #takeViewer(path: string, query: URLSearchParams): Promise<Response> {
    const viewer = readViewer(query);
    this.#viewers.add(viewer);
    let unwatch = (): void => {};
    const leave = (): void => {
      viewer.left.abort();
      unwatch();
      this.#leave(viewer);
    };
    viewer.leave = leave;
    try {
      const chunks = this.#chunksFor(viewer);
      // Who does not follow is told what is wrong before anything else; an answer that has begun can only break off.
      const first = path === '/text' && !viewer.follow ? await chunks.next() : null;
      const { response, sink } = await this.#open(path, query, { viewer, leave });
      if (sink === null) {
        leave();
        return response;
      }
      const token = query.get('token');
      if (token !== null) {
        unwatch = this.#tokens.add(token, (why) => {
          leave();
          void sink.end(why);
        });
      }
      void this.#serve(viewer, sink, first === null ? chunks : resumed(first, chunks)).finally(leave);
      return response;
    } catch (error) {
      leave();
      if (path !== '/text') throw error;
      return new Response(textOf(error), { status: UNAVAILABLE });
    }
  }

  async #open(
    path: string,
    query: URLSearchParams,
    { viewer, leave }: { viewer: Viewer; leave: () => void },
  ): Promise<{ response: Response; sink: Sink | null }> {
    const { executionId, follow, tail } = viewer;
    if (path === '/socket') return openSocket(leave);
    if (path === '/frames') return openFrames(leave);
    if (path === '/chunks') return openChunks(leave);
    const isWhole = executionId !== null && !follow && !tail;
    return openText(query, isWhole ? new LogParts(this.env.BLOBS, executionId) : null, leave);
  }

  #leave(viewer: Viewer): void {
    this.#viewers.delete(viewer);
    if (this.#viewers.size > 0) return;
    this.#agent?.close();
    this.#agent = null;
  }

  #chunksFor(viewer: Viewer): AsyncGenerator<Uint8Array> {
    const { executionId } = viewer;
    return executionId === null ? this.#chunksOfJob(viewer) : this.#chunks(viewer, executionId);
  }

  /** Sends the log to its end, or an error. Never rejects. */
  async #serve(viewer: Viewer, sink: Sink, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let failed: string | null = null;
    try {
      for await (const some of chunks) await sink.write(some);
    } catch (error) {
      failed = textOf(error);
      log('log.failed', { executionId: viewer.executionId, jobId: viewer.jobId, error: failed }, 'warn');
    }
    if (!isGone(viewer)) await sink.end(failed);
  }

  /** The log of the job's execution, from the LogStream that is the execution's own, once there is one. */
  async *#chunksOfJob(viewer: Viewer): AsyncGenerator<Uint8Array> {
    if (viewer.jobId === null) return;
    const without = new Set<ExecutionId>();
    for (;;) {
      const executionId = await awaitExecution(
        { jobId: viewer.jobId, version: viewer.version, without },
        {
          reads: makeReads(this.env.DB),
          hasStored: (id) => new LogParts(this.env.BLOBS, id).haveOutput(),
          pause: pauseFor,
          isOver: () => isGone(viewer),
        },
      );
      if (executionId === null) return;
      let isEmpty = true;
      try {
        for await (const chunks of this.#chunksOfOther(viewer, executionId)) {
          isEmpty = false;
          yield chunks;
        }
        if (!isEmpty || (await this.#hasRun(executionId))) return;
      } catch (error) {
        if (!isEmpty || (await this.#hasRun(executionId))) throw error;
      }
      // It could not be started: the job may have another one in its place, or a reason.
      without.add(executionId);
    }
  }

  async *#chunksOfOther(viewer: Viewer, executionId: ExecutionId): AsyncGenerator<Uint8Array> {
    const stub = this.env.LOGS.getByName(executionId);
    const query = viewerQuery({ ...viewer, executionId });
    const id = crypto.randomUUID();
    query.set('reader', id);
    const answer = await stub.fetch(`https://log/chunks?${query.toString()}`);
    const reader = answer.body?.getReader();
    if (reader === undefined) return;
    const cancel = async (): Promise<void> => {
      await Promise.allSettled([stub.leave(id), reader.cancel()]);
    };
    if (isGone(viewer)) return cancel();
    viewer.left.signal.addEventListener('abort', () => void cancel());
    yield* readChunkStream(reader);
  }

  /** What the viewer asked for, in order. @throws when the log cannot be had */
  async *#chunks(viewer: Viewer, executionId: ExecutionId): AsyncGenerator<Uint8Array> {
    const parts = new LogParts(this.env.BLOBS, executionId);
    await parts.refresh();
    let from: number | null = viewer.tail ? parts.end : 0;
    let reading = this.#read(viewer, parts, from);
    while (!isGone(viewer)) {
      const piece: Piece | null = await reading;
      if (piece === null) return;
      // The next piece is on its way while this one is sent; an empty one came from the end of a log that stands still.
      if (!piece.end && piece.chunks.length > 0) {
        reading = this.#read(viewer, parts, piece.next);
        reading.catch(() => {});
      }
      if (piece.chunks.length > 0) yield piece.chunks;
      const stands = piece.next === from;
      from = piece.next;
      if (piece.end || (!viewer.follow && (stands || viewer.tail))) return;
      if (piece.chunks.length > 0) continue;
      // An agent that waits answers when there is more; one that does not must not be asked without a pause.
      if (stands) await pauseFor(RETRY_MS);
      reading = this.#read(viewer, parts, from);
    }
  }

  /** The next piece, wherever it is; null when the reader has gone. @throws when the log cannot be had */
  async #read(viewer: Viewer, parts: LogParts, from: number | null): Promise<Piece | null> {
    const { executionId } = parts;
    const stored = from === null ? null : await parts.read(from, LOG_PULL_BYTES);
    if (stored !== null) return stored;
    let waitedMs = 0;
    while (!isGone(viewer)) {
      const startedAt = Date.now();
      const piece = await this.#pull(viewer, executionId, from);
      if (piece !== null) return piece;
      // What the agent does not have (any more) may have been stored in the meantime.
      await parts.refresh();
      const late = from === null ? null : await parts.read(from, LOG_PULL_BYTES);
      if (late !== null) return late;
      if (from === null && parts.end !== null) return { chunks: new Uint8Array(0), next: parts.end, end: true };
      const owner = await findLogOwner(this.env.DB, executionId);
      const isLive = owner !== null && !isTerminalComputeState(owner.computeState);
      if (owner !== null && !isLive && !owner.hasRun) throw new Error(neverStarted(owner));
      await pauseFor(RETRY_MS);
      waitedMs += Date.now() - startedAt;
      if (waitedMs > PATIENCE_MS && !(viewer.follow && isLive)) throw new Error(TIMEOUT_TEXT);
    }
    return null;
  }

  async #pull(viewer: Viewer, executionId: ExecutionId, from: number | null): Promise<Piece | null> {
    if (this.#agent === null && !(await this.#ask(executionId))) return null;
    try {
      const piece = (await this.#agent?.pull(from, viewer.follow && from !== null)) ?? null;
      if (piece !== null && piece.next < (from ?? 0))
        throw new Error('the node that has the log sends what was before');
      return piece;
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

  async #hasRun(executionId: ExecutionId): Promise<boolean> {
    const owner = await findLogOwner(this.env.DB, executionId);
    return owner !== null && owner.hasRun;
  }
}

function neverStarted({ executionId, computeState, computeMessage }: LogOwner): string {
  return `execution ${executionId} has ended as ${computeState} without having run${afterColon(computeMessage)}`;
}

function isGone({ left }: Viewer): boolean {
  return left.signal.aborted;
}

function readViewer(query: URLSearchParams): Viewer {
  const flag = (name: string): boolean => query.get(name) === 'true';
  return {
    reader: query.get('reader'),
    executionId: ExecutionId.nullable().parse(query.get('execution')),
    jobId: JobId.nullable().parse(query.get('job')),
    version: Number(query.get('version') ?? 0),
    follow: flag('follow'),
    tail: flag('tail'),
    left: new AbortController(),
    leave: () => {},
  };
}

/** A sequence whose beginning was taken. */
async function* resumed<T>(first: IteratorResult<T>, rest: AsyncGenerator<T>): AsyncGenerator<T> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
