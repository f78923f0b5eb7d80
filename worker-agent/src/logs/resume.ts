import { Buffer } from 'node:buffer';
import type { ExecutionId } from '@shoal/schema/ids';
import { LOG_PULL_BYTES } from '@shoal/schema/limits';
import { readChunks, STDERR } from '@shoal/schema/protocol/log-link';
import type { Engine, OutputChunk, Stream } from '../engines/engine.ts';
import { pause, type Clock } from '../ports.ts';
import { Skipper } from './chunker.ts';
import { HeldBack } from './held-back.ts';
import { findJoint, Overlap, Tail } from './overlap.ts';
import type { Counts } from './segments.ts';
import type { Spool } from './spool.ts';

/**
 * The engine takes the time of its first line this much later at most than the first of it came here. Before it drops the
 * beginning of a log, 256 MiB have to be printed, and that takes longer.
 */
const SAME_START_MS = 250;
/** What came here came at most this long before or after the engine took its time. */
const APART_MS = 2_000;
/** A log of which the engine has dropped something is longer than this, however short its lines are. */
const DROPPED_BYTES = 4 * 1024 * 1024;
/** The engine keeps an unended line of this length. */
const LINE_BYTES = 16 * 1024;
const NEWLINE = 10;
/** The engine takes a moment to keep what it has handed out, and to say that a container has ended: 2.5 s at most. */
const TRIES = 8;
const TRY_MS = 10;
const DOUBT = 'output may be missing here or be here twice, the agent was away';

export interface Resuming {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly executionId: ExecutionId;
  readonly spool: Spool;
  /** Gives up: ends what follows. */
  readonly signal: AbortSignal;
}

/**
 * All of a container's output that is not written down, after a break in which nobody read: first what the engine has kept, then what is printed. A task that runs is attached first and read slowly meanwhile, so that the engine
 * holds it back and drops nothing that is still to be read. Where the two meet, and where a long log was left, is found by
 * what they have in common; what is in doubt rather comes twice, with a note. Ends when the container's output does, or the
 * connection.
 * @throws EngineError when the engine does not answer
 */
export async function* resume(resuming: Resuming): AsyncGenerator<readonly OutputChunk[], void> {
  const { engine, executionId, clock, signal } = resuming;
  const attachedAt = clock.now();
  const attached = await attach(resuming);
  const giveUp = (): void => void attached?.return();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    yield* readKept(resuming, attached === null ? null : attachedAt);
    if (attached === null) return;
    const joints = {
      stdout: new Joint(resuming, 'stdout', attachedAt),
      stderr: new Joint(resuming, 'stderr', attachedAt),
    };
    for (let next = await attached.next(); next.done !== true; next = await attached.next()) {
      yield* join(joints, next.value);
    }
    await isEnded(engine, executionId, clock);
    for (const joint of Object.values(joints)) yield* joint.end();
  } finally {
    signal.removeEventListener('abort', giveUp);
    await attached?.return();
  }
}

async function* join(
  joints: Readonly<Record<Stream, Joint>>,
  output: readonly OutputChunk[],
): AsyncGenerator<readonly OutputChunk[]> {
  if (joints.stdout.isJoined && joints.stderr.isJoined) yield output;
  else for (const { stream, bytes } of output) yield* joints[stream].take(bytes);
}

/** Whether a container whose output has ended has ended itself; its engine says so a moment later. */
export async function isEnded(engine: Engine, executionId: ExecutionId, clock: Clock): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const container = await engine.find(executionId);
    if (container === null || container.state === 'ended') return true;
    await pause(clock, TRY_MS * 2 ** tries);
  }
  return false;
}

/** What a container prints from now on; null when it has ended and prints nothing. */
async function attach({ engine, executionId, clock }: Resuming): Promise<HeldBack | null> {
  const isOver = async (): Promise<boolean> => ((await engine.find(executionId))?.state ?? 'ended') === 'ended';
  if (await isOver()) return null;
  const output = await engine.output?.(executionId);
  if (output === undefined) return null;
  const attached = new HeldBack(output, clock);
  // Of a container that ended before, nothing would ever come, and no end.
  if (!(await isOver())) return attached;
  await attached.return();
  return null;
}

/** What is kept and not written down. @param until epoch ms; null for all of it */
async function* readKept(resuming: Resuming, until: number | null): AsyncGenerator<readonly OutputChunk[]> {
  const { engine, executionId, spool } = resuming;
  const keptSince = (await engine.keptSince?.(executionId)) ?? null;
  if (keptSince === null) return;
  const { since, known, isSure } = await findStart(resuming, keptSince, until);
  if (!isSure) await spool.addNote(DOUBT);
  const skipper = new Skipper(known);
  for await (const output of (await engine.kept?.(executionId, { since, until })) ?? []) yield skipper.push(output);
  // Then it was looked through while its beginning was dropped.
  if ((await engine.keptSince?.(executionId)) !== keptSince) await spool.addNote(DOUBT);
}

interface Start {
  /** Epoch ms; 0 for all of it. */
  readonly since: number;
  /** How much of what comes there is written down already. */
  readonly known: Counts;
  readonly isSure: boolean;
}

const NOTHING: Counts = { stdout: 0, stderr: 0 };

/**
 * Where to go on in what is kept. As long as that is all of the log, what is written down is counted off. Of a longer one it
 * is the last part: there, what is written down is found again by its last bytes.
 */
async function findStart(resuming: Resuming, keptSince: number, until: number | null): Promise<Start> {
  const { engine, executionId, spool } = resuming;
  const { firstAt, writtenAt } = spool;
  if (firstAt === null || writtenAt === null) {
    const startedAt = (await engine.find(executionId))?.startedAt ?? keptSince;
    const mayBeCut = keptSince - startedAt > SAME_START_MS && (await isLong(resuming, until));
    return { since: 0, known: NOTHING, isSure: !mayBeCut };
  }
  if (keptSince - firstAt < SAME_START_MS) return { since: 0, known: spool.counts, isSure: true };
  if (keptSince > writtenAt) return { since: 0, known: NOTHING, isSure: false };
  const since = Math.max(0, writtenAt - APART_MS);
  const found = await findOverlap(resuming, since, Math.min(until ?? Infinity, writtenAt + APART_MS));
  return { since, ...found };
}

async function isLong({ engine, executionId }: Resuming, until: number | null): Promise<boolean> {
  let bytes = 0;
  for await (const output of (await engine.kept?.(executionId, { until })) ?? []) {
    for (const chunk of output) bytes += chunk.bytes.length;
    if (bytes > DROPPED_BYTES) return true;
  }
  return false;
}

async function findOverlap(
  { engine, executionId, spool }: Resuming,
  since: number,
  until: number,
): Promise<Omit<Start, 'since'>> {
  const [stdout, stderr] = await readTails(spool);
  for await (const output of (await engine.kept?.(executionId, { since, until })) ?? []) {
    for (const { stream, bytes } of output) (stream === 'stderr' ? stderr : stdout).push(bytes);
  }
  const [out, err] = [stdout.result(), stderr.result()];
  const isSure = (out.isFound || err.isFound) && !out.isDoubtful && !err.isDoubtful;
  return { known: { stdout: out.known, stderr: err.known }, isSure };
}

/** How each stream ends in what is written down. */
async function readTails(spool: Spool): Promise<[stdout: Overlap, stderr: Overlap]> {
  const stdout = new Tail();
  const stderr = new Tail();
  for (let from = 0; ;) {
    const { chunks, next } = await spool.read(from, LOG_PULL_BYTES);
    if (next === from) return [new Overlap(stdout.bytes), new Overlap(stderr.bytes)];
    for (const { stream, bytes, isNote } of readChunks(chunks)) {
      if (isNote !== true) (stream === STDERR ? stderr : stdout).push(bytes);
    }
    from = next;
  }
}

/**
 * Where the attached output of one stream goes on with what was kept of it. The engine keeps whole lines, the attached output
 * begins anywhere in one: so it waits for the end of its first line, which is then in what was kept since it was attached.
 */
class Joint {
  readonly #resuming: Resuming;
  readonly #stream: Stream;
  readonly #attachedAt: number;
  #first = Buffer.alloc(0);
  #toSkip = 0;
  #isFound = false;

  constructor(resuming: Resuming, stream: Stream, attachedAt: number) {
    this.#resuming = resuming;
    this.#stream = stream;
    this.#attachedAt = attachedAt;
  }

  /** The attached output is all that there is from here on. */
  get isJoined(): boolean {
    return this.#isFound && this.#toSkip === 0;
  }

  async *take(bytes: Uint8Array): AsyncGenerator<readonly OutputChunk[]> {
    if (this.#isFound) {
      const skipped = Math.min(this.#toSkip, bytes.length);
      this.#toSkip -= skipped;
      yield* this.#chunks(bytes.subarray(skipped));
      return;
    }
    this.#first = Buffer.concat([this.#first, bytes]);
    if (this.#first.length < LINE_BYTES && !this.#first.includes(NEWLINE)) return;
    this.#isFound = true;
    yield* this.#join();
  }

  /** The output has ended: all of it has been kept. */
  async *end(): AsyncGenerator<readonly OutputChunk[]> {
    if (!this.#isFound) yield* this.#chunks(await this.#kept());
  }

  async *#join(): AsyncGenerator<readonly OutputChunk[]> {
    const { clock, spool } = this.#resuming;
    for (let tries = 0; tries < TRIES; tries += 1) {
      const kept = await this.#kept();
      const joint = findJoint(kept, this.#first, LINE_BYTES);
      if (joint !== null) {
        yield* this.#chunks(kept);
        if (joint.isDoubtful) await spool.addNote(DOUBT);
        const known = kept.length - joint.at;
        yield* this.#chunks(this.#first.subarray(known));
        this.#toSkip = Math.max(0, known - this.#first.length);
        return;
      }
      await pause(clock, TRY_MS * 2 ** tries);
    }
    await spool.addNote(DOUBT);
    yield* this.#chunks(this.#first);
  }

  async #kept(): Promise<Buffer> {
    const { engine, executionId } = this.#resuming;
    const pieces: Buffer[] = [];
    // A stream may be silent for long, and the other one not.
    const range = { since: this.#attachedAt, stream: this.#stream };
    for await (const output of (await engine.kept?.(executionId, range)) ?? []) {
      for (const { bytes } of output) pieces.push(Buffer.from(bytes));
    }
    return Buffer.concat(pieces);
  }

  /** Short ones: what is handed on lies in memory once more. */
  *#chunks(bytes: Uint8Array): Generator<readonly OutputChunk[]> {
    for (let at = 0; at < bytes.length; at += LINE_BYTES) {
      yield [{ stream: this.#stream, bytes: bytes.subarray(at, at + LINE_BYTES) }];
    }
  }
}
