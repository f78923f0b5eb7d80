import { LOG_PULL_BYTES, MAX_LOG_CHUNK_BYTES } from '../../schema/limits.ts';
import { decodePiece, LOG_HEADER_BYTES, PIECE_HEADER_BYTES, type LogPull } from '../../schema/protocol/log-link.ts';
import type { Piece } from './parts.ts';

const CLOSED = 1000;
const TOO_BIG = 1009;
/** A chunk that is longer than what was asked for comes alone. */
const MAX_PIECE_BYTES = PIECE_HEADER_BYTES + LOG_PULL_BYTES + LOG_HEADER_BYTES + MAX_LOG_CHUNK_BYTES;

/** The link is gone; what was asked for may be asked again on another. */
export class LinkGone extends Error {
  override readonly name = 'LinkGone';
  readonly code: number;

  constructor(code: number) {
    super(`the link to the node that has the log ended with ${code}`);
    this.code = code;
  }
}

interface Waiting {
  readonly resolve: (piece: Piece) => void;
  readonly reject: (error: LinkGone) => void;
}

/** The agent's end of a log, as long as its socket lives. */
export class AgentLink {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #gone: LinkGone | null = null;

  constructor(socket: WebSocket, onGone: (link: AgentLink) => void) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(data));
    const gone = (code: number): void => {
      if (this.#gone !== null) return;
      this.#gone = new LinkGone(code);
      for (const { reject } of this.#waiting.values()) reject(this.#gone);
      this.#waiting.clear();
      onGone(this);
    };
    socket.addEventListener('close', ({ code }) => gone(code));
    socket.addEventListener('error', () => gone(1006));
  }

  /** Chunks from an offset, or from the end when it is null. @throws LinkGone */
  pull(from: number | null, wait: boolean): Promise<Piece> {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    const id = this.#nextId++;
    const pull: LogPull = { type: 'pull', id, from, wait, maxBytes: LOG_PULL_BYTES };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify(pull));
    });
  }

  /** Nobody reads any more. */
  close(): void {
    try {
      this.#socket.close(CLOSED, 'nobody reads');
    } catch {
      // Already closed.
    }
  }

  #take(data: unknown): void {
    if (data instanceof ArrayBuffer && data.byteLength > MAX_PIECE_BYTES)
      return this.#socket.close(TOO_BIG, 'too long a piece');
    const piece = decodePiece(data);
    const waiting = piece === null ? undefined : this.#waiting.get(piece.id);
    if (piece === null || waiting === undefined) return;
    this.#waiting.delete(piece.id);
    waiting.resolve(piece);
  }
}
