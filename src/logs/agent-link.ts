import { LOG_PULL_BYTES } from '../../schema/limits.ts';
import { decodePiece, type LogPull } from '../../schema/protocol/log-link.ts';
import type { Piece } from './parts.ts';

const CLOSED = 1000;

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
    const piece = decodePiece(data);
    const waiting = piece === null ? undefined : this.#waiting.get(piece.id);
    if (piece === null || waiting === undefined) return;
    this.#waiting.delete(piece.id);
    waiting.resolve(piece);
  }
}
