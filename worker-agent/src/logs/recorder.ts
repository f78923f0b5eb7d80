import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import type { Container, Engine, Heads } from '../engine/engine.ts';
import type { RunSpec } from '../journal/records.ts';
import { errorText, pause, type Clock, type Log } from '../ports.ts';
import { BatchWriter } from './batch-writer.ts';
import { Chunker } from './chunker.ts';
import { resume, type Resumption } from './resume.ts';
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

  private constructor(ports: RecordingPorts, executionId: ExecutionId, spool: Spool) {
    this.#ports = ports;
    this.#executionId = executionId;
    this.#spool = spool;
  }

  /** @throws EngineError when the engine gives no output; it may be tried again */
  static async begin(
    ports: RecordingPorts,
    { executionId, spool, state }: { executionId: ExecutionId; spool: Spool; state: Container['state'] },
  ): Promise<EngineRecording> {
    const recording = new EngineRecording(ports, executionId, spool);
    if (spool.finished) return recording;
    const resumption = state === 'created' ? await recording.#begin() : await recording.#resume();
    if (resumption !== null) recording.#pumping = recording.#pumpAll(resumption);
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

  async #pumpAll(first: Resumption): Promise<void> {
    for (let next: Resumption | null = first; next !== null; next = await this.#reopen()) {
      try {
        await this.#pump(next);
        // A connection to a daemon that went away ends as one whose container has ended.
        await pause(this.#ports.clock, END_MS, this.#ended.signal);
        if (this.#ended.signal.aborted) return;
      } catch (error) {
        if (this.#spool.finished) return;
        this.#ports.log.warn('log.interrupted', { executionId: this.#executionId, error: errorText(error) });
      }
    }
  }

  async #pump({ source, known }: Resumption): Promise<void> {
    const chunker = new Chunker(known);
    const writer = new BatchWriter(this.#ports.clock, (chunks) => this.#spool.append(chunks));
    try {
      for await (const data of source) {
        const chunks = chunker.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
        if (chunks.length > 0) await writer.add(chunks);
      }
    } finally {
      await writer.done();
    }
  }

  /** Asks again until the engine is back; gives up when the container has ended and its output cannot be had. */
  async #reopen(): Promise<Resumption | null> {
    for (;;) {
      await pause(this.#ports.clock, RETRY_MS);
      try {
        return await this.#resume();
      } catch {
        if (this.#ended.signal.aborted) return null;
      }
    }
  }

  async #begin(): Promise<Resumption | null> {
    const source = await this.#ports.engine.capture?.(this.#executionId, 'start');
    return source === undefined ? null : { source, known: { stdout: 0, stderr: 0 } };
  }

  #resume(): Promise<Resumption | null> {
    return resume(this.#ports.engine, this.#executionId, this.#spool);
  }
}
