import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { encodeChunk, STDERR } from '@shoal/schema/protocol/log-link';
import type { Container, Engine, Heads } from '../engine/engine.ts';
import type { RunSpec } from '../journal/records.ts';
import { errorText, pause, type Clock, type Log } from '../ports.ts';
import { BatchWriter } from './batch-writer.ts';
import { Chunker } from './chunker.ts';
import type { Spool } from './spool.ts';

/** Writes down what one execution prints. */
export interface Recording {
  /** The container has ended: reads what is left of its output, for a few seconds at most, and closes the log. */
  finish(): Promise<void>;
  heads(): Heads;
}

export interface LogRecorder {
  /** Begins to write down a container's output, or goes on where a former agent was. Throws `EngineError`. */
  record(run: RunSpec, state: Container['state']): Promise<Recording | null>;
}

/** How long output may still arrive after the end of its container. */
const DRAIN_MS = 10_000;
const RETRY_MS = 1_000;
/** Between the end of a container's output and the word of its end; shorter than any retry of the engine. */
const END_MS = 900;
/** Docker keeps more than this of a log for sure; of a longer one the beginning may be gone. */
const KEPT_BYTES = 64 * 1024 * 1024;

interface RecordingPorts {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Reads a container's output into its spool until it ends, also over restarts of the engine. What is attached from the
 * start ends only after the last byte, whatever its length: Docker holds the task back while a reader is slow, and keeps
 * nothing in its own log that it did not hand out as well. So that log, of which Docker drops the beginning once it is
 * long, is read only after a break.
 */
export class EngineRecording implements Recording {
  readonly #ports: RecordingPorts;
  readonly #executionId: ExecutionId;
  readonly #spool: Spool;
  readonly #ended = new AbortController();
  #pumping: Promise<void> = Promise.resolve();
  #lastAt: number;

  private constructor(ports: RecordingPorts, executionId: ExecutionId, spool: Spool) {
    this.#ports = ports;
    this.#executionId = executionId;
    this.#spool = spool;
    this.#lastAt = ports.clock.now();
  }

  /** @throws EngineError when the engine gives no output; it may be tried again */
  static async begin(
    ports: RecordingPorts,
    { executionId, spool, state }: { executionId: ExecutionId; spool: Spool; state: Container['state'] },
  ): Promise<EngineRecording> {
    const recording = new EngineRecording(ports, executionId, spool);
    if (spool.finished) return recording;
    const source = state === 'created' ? await ports.engine.capture?.(executionId, 'start') : await recording.#goOn();
    if (source !== undefined) recording.#pumping = recording.#pumpAll(source, state === 'created');
    return recording;
  }

  heads(): Heads {
    return this.#spool.heads();
  }

  async finish(): Promise<void> {
    this.#ended.abort();
    await Promise.race([this.#pumping, pause(this.#ports.clock, DRAIN_MS)]);
    await this.#spool.finish();
  }

  async #pumpAll(first: AsyncIterable<Uint8Array>, fresh: boolean): Promise<void> {
    let source = first;
    let chunker = fresh ? new Chunker() : this.#chunker();
    for (;;) {
      try {
        await this.#pump(source, chunker);
        // A connection to a daemon that went away ends as one whose container has ended.
        await pause(this.#ports.clock, END_MS, this.#ended.signal);
        if (this.#ended.signal.aborted) return;
      } catch (error) {
        if (this.#spool.finished) return;
        this.#ports.log.warn('log.interrupted', { executionId: this.#executionId, error: errorText(error) });
      }
      const next = await this.#reopen();
      if (next === null) return;
      source = next;
      chunker = this.#chunker();
    }
  }

  async #pump(source: AsyncIterable<Uint8Array>, chunker: Chunker): Promise<void> {
    const writer = new BatchWriter(this.#ports.clock, (chunks) => this.#spool.append(chunks));
    try {
      for await (const data of source) {
        const chunks = chunker.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        if (chunks.length > 0) await writer.add(chunks);
        this.#lastAt = this.#ports.clock.now();
      }
    } finally {
      await writer.done();
    }
  }

  /** Asks again until the engine is back; gives up when the container has ended and its output cannot be had. */
  async #reopen(): Promise<AsyncIterable<Uint8Array> | null> {
    for (;;) {
      await pause(this.#ports.clock, RETRY_MS);
      try {
        return (await this.#goOn()) ?? null;
      } catch {
        if (this.#ended.signal.aborted) return null;
      }
    }
  }

  /** What is written down already is left out; of a log whose beginning is gone only what came since. */
  async #goOn(): Promise<AsyncIterable<Uint8Array> | undefined> {
    const { engine } = this.#ports;
    if (!this.#isLong) return engine.capture?.(this.#executionId, 'beginning');
    const source = await engine.capture?.(this.#executionId, this.#lastAt);
    const text = '[shoal: output may be missing here, the agent was away]\n';
    await this.#spool.append(Buffer.from(encodeChunk({ stream: STDERR, bytes: Buffer.from(text) })));
    return source;
  }

  #chunker(): Chunker {
    return new Chunker(this.#isLong ? undefined : this.#spool.counts);
  }

  get #isLong(): boolean {
    return this.#spool.counts.stdout + this.#spool.counts.stderr > KEPT_BYTES;
  }
}
