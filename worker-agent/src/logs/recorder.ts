import type { ExecutionId } from '@shoal/schema/ids';
import { LOG_PULL_BYTES } from '@shoal/schema/limits';
import type { Container, Engine, Output, OutputChunk } from '../engines/engine.ts';
import { readChunks, STDERR } from '@shoal/schema/protocol/log-link';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { errorText, pause, type Clock, type Log } from '../ports.ts';
import { BatchWriter } from './batch-writer.ts';
import { Chunker } from './chunker.ts';
import type { Heads } from './heads.ts';
import { isEnded, resume } from './resume.ts';
import type { Spool } from './spool.ts';

/** Writes down what one execution prints. */
export interface Recording {
  /** The container has ended: reads what is left of its output, as long as it comes, and closes the log. May be repeated. */
  finish(): Promise<void>;
  heads(): Heads;
  /** All that is kept of the output. Once it has finished. */
  output(): Output;
  /** The engine went away while it was read. */
  readonly wasInterrupted: boolean;
}

export interface LogRecorder {
  /** Begins to write down a container's output, or goes on where a former agent was. Throws `EngineError`. */
  record(engine: Engine, run: RunSpec, state: Container['state']): Promise<Recording>;
}

/** How long nothing may come of the output of a container that has ended; the engine may have to look for it. */
const SILENCE_MS = 30_000;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 10_000;
/** How long the end of output takes that is all read, most times. */
const SOON_MS = 500;
/** Not too long to be read once more. */
const SHORT_BYTES = 1024 * 1024;

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
  /** The container has ended, or never will begin. */
  readonly #ended = new AbortController();
  readonly #gaveUp = new AbortController();
  #pumping: Promise<void> = Promise.resolve();
  /** Grows with every piece that comes. */
  #pieces = 0;
  #wasInterrupted = false;

  private constructor(ports: RecordingPorts, executionId: ExecutionId, spool: Spool) {
    this.#ports = ports;
    this.#executionId = executionId;
    this.#spool = spool;
  }

  /** @throws EngineError when the engine gives no output of a container that is not started; it may be tried again */
  static async begin(
    ports: RecordingPorts,
    { executionId, spool, state }: { executionId: ExecutionId; spool: Spool; state: Container['state'] },
  ): Promise<EngineRecording> {
    const recording = new EngineRecording(ports, executionId, spool);
    const { engine } = ports;
    if (spool.finished || (engine.output === undefined && engine.kept === undefined)) return recording;
    // A task that runs is not to wait for what was printed before: it may have to be stopped.
    const first = state === 'created' ? await engine.output?.(executionId) : undefined;
    recording.#pumping = recording.#pumpAll(first ?? recording.#resume());
    return recording;
  }

  get wasInterrupted(): boolean {
    return this.#wasInterrupted;
  }

  heads(): Heads {
    return this.#spool.heads();
  }

  output(): Output {
    return readOutput(this.#spool);
  }

  async finish(): Promise<void> {
    this.#ended.abort();
    if (!(await this.#isDoneWithin(SOON_MS))) {
      const isUnborn = await this.#isUnborn();
      const isDone = !isUnborn && (await this.#isDoneInTheEnd());
      this.#gaveUp.abort();
      if (!isUnborn && !isDone) await this.#spool.addNote('the rest of the output could not be read');
    }
    await this.#spool.finish();
  }

  /** Waits as long as something comes. */
  async #isDoneInTheEnd(): Promise<boolean> {
    for (let pieces = -1; pieces < this.#pieces;) {
      pieces = this.#pieces;
      if (await this.#isDoneWithin(SILENCE_MS)) return true;
    }
    return false;
  }

  async #isDoneWithin(ms: number): Promise<boolean> {
    const over = new AbortController();
    const late = pause(this.#ports.clock, ms, over.signal).then(() => false);
    const isDone = await Promise.race([this.#pumping.then(() => true), late]);
    over.abort();
    return isDone;
  }

  /** A container that was never started prints nothing and ends nothing. */
  async #isUnborn(): Promise<boolean> {
    const container = await this.#ports.engine.find(this.#executionId).catch(() => null);
    return container?.state === 'created';
  }

  async #pumpAll(first: Output): Promise<void> {
    const { clock, log } = this.#ports;
    let retryMs = RETRY_MS;
    for (let source = first; !this.#gaveUp.signal.aborted; source = this.#resume()) {
      const before = this.#pieces;
      try {
        await this.#pump(source);
        const end = await this.#whatEnded();
        if (end === 'output') return;
        if (end === 'perhaps output') continue;
      } catch (error) {
        this.#wasInterrupted = true;
        log.warn('log.interrupted', { executionId: this.#executionId, error: errorText(error) });
      }
      retryMs = this.#pieces > before ? RETRY_MS : Math.min(MAX_RETRY_MS, retryMs * 2);
      // The end of the container is a reason to look at once, but only once.
      const signal = this.#ended.signal.aborted ? this.#gaveUp.signal : this.#ended.signal;
      await pause(clock, retryMs, signal);
    }
  }

  async #pump(source: Output): Promise<void> {
    const chunker = new Chunker();
    const writer = new BatchWriter(this.#ports.clock, (chunks) => this.#spool.append(chunks));
    try {
      for await (const output of source) {
        const chunks = chunker.push(output);
        if (chunks.length > 0) await writer.add(chunks);
        this.#pieces += 1;
      }
    } finally {
      await writer.done();
    }
  }

  /**
   * A connection that breaks ends as one whose container has ended; but most times the engine then does not answer, or says
   * that the container runs. Where it says so only at first, a short log is compared with the engine's.
   */
  async #whatEnded(): Promise<'output' | 'perhaps output' | 'connection'> {
    const { engine, clock } = this.#ports;
    const container = await engine.find(this.#executionId);
    if (container === null || container.state === 'ended') return 'output';
    if (container.state === 'created' && this.#ended.signal.aborted) return 'output';
    if (!(await isEnded(engine, this.#executionId, clock))) return 'connection';
    return this.#spool.size > SHORT_BYTES ? 'output' : 'perhaps output';
  }

  #resume(): Output {
    const { engine, clock } = this.#ports;
    const { signal } = this.#gaveUp;
    return resume({ engine, clock, executionId: this.#executionId, spool: this.#spool, signal });
  }
}

async function* readOutput(spool: Spool): AsyncGenerator<OutputChunk[]> {
  for (let from = 0; ;) {
    const { chunks, next } = await spool.read(from, LOG_PULL_BYTES);
    if (next === from) return;
    const printed = [...readChunks(chunks)].filter(({ isNote }) => isNote !== true);
    yield printed.map(({ stream, bytes }) => ({ stream: stream === STDERR ? 'stderr' : 'stdout', bytes }));
    from = next;
  }
}
