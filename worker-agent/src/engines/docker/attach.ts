import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a Unix socket holds at most for a reader, rounded up. */
const BUFFER_BYTES = 256 * 1024;
/** Less than this was all there was: what comes next is left to gather, for each read costs as much as many bytes. */
const MUCH_BYTES = BUFFER_BYTES / 2;
const GATHER_MS = 2;
const MAX_HEAD_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';

/**
 * A container's output over a connection of its own to Docker's Unix socket. An HTTP client makes a buffer for every frame
 * that Docker writes, some thousands a second, and the task pays for collecting them where the machine is small. Here all of
 * it passes through one buffer: a piece is valid until the next one is asked for.
 */
export class AttachedOutput implements AsyncIterable<Uint8Array> {
  readonly #socket: Socket;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #waiting: { readonly resolve: (piece: Buffer | null) => void; readonly reject: (error: Error) => void } | null = null;
  #ready: Buffer | null = null;
  #closed = false;
  #error: Error | null = null;

  private constructor(socketPath: string) {
    this.#socket = connect({
      path: socketPath,
      // Reading stops with every piece until the next one is asked for.
      onread: { buffer: this.#buffer, callback: (bytes) => (this.#take(this.#buffer.subarray(0, bytes)), false) },
    });
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /**
   * @param path of the attach call, with its query
   * @returns null when Docker did not agree to it: the ordinary call tells why
   */
  static async open(socketPath: string, path: string, signal: AbortSignal): Promise<AttachedOutput | null> {
    const output = new AttachedOutput(socketPath);
    const give = (): void => void output.#socket.destroy(asError(signal.reason));
    signal.addEventListener('abort', give, { once: true });
    try {
      // Asked for as an upgrade, for anything between to know that the connection is not HTTP any more.
      output.#socket.write(
        `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0${HEAD_END}`,
      );
      if (await output.#readHead()) return output;
      output.#socket.destroy();
      return null;
    } catch (error) {
      output.#socket.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', give);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void> {
    let wasMuch = true;
    return {
      next: async () => {
        if (!wasMuch) await sleep(GATHER_MS);
        const piece = await this.#next();
        if (piece === null) return { done: true, value: undefined };
        wasMuch = piece.length >= MUCH_BYTES;
        return { done: false, value: piece };
      },
      // Also before the first piece was asked for, and while one is.
      return: async () => {
        this.#socket.destroy();
        return { done: true, value: undefined };
      },
    };
  }

  /** @returns whether what follows is the output */
  async #readHead(): Promise<boolean> {
    let head = Buffer.alloc(0);
    while (head.length < MAX_HEAD_BYTES) {
      const piece = await this.#next();
      if (piece === null) return false;
      head = Buffer.concat([head, piece]);
      const end = head.indexOf(HEAD_END);
      if (end < 0) continue;
      const rest = head.subarray(end + HEAD_END.length);
      if (rest.length > 0) this.#ready = rest;
      return /^HTTP\/1\.1 (101|200) /.test(head.toString('latin1'));
    }
    return false;
  }

  /** Null at the end. */
  #next(): Promise<Buffer | null> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      if (this.#ready !== null || this.#closed) this.#wake();
      else this.#socket.resume();
    });
  }

  #take(piece: Buffer): void {
    this.#ready = piece;
    this.#wake();
  }

  #wake(): void {
    if (this.#waiting === null) return;
    const { resolve, reject } = this.#waiting;
    this.#waiting = null;
    if (this.#ready === null && this.#error !== null) return reject(this.#error);
    resolve(this.#ready);
    this.#ready = null;
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
