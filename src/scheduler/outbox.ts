import { HEARTBEAT_MS } from '../../schema/limits.ts';
import type { JobSpec } from '../../schema/job/job.ts';
import { PROTOCOL_VERSION } from '../../schema/protocol/version.ts';
import type { ToAgent } from '../../schema/protocol/to-agent.ts';
import type { Message, MessageBody } from '../core/turn.ts';
import type { Ports } from './ports.ts';
import { specKey, type SpecKey, type Store } from '../store/store.ts';

/** Specifications kept at hand for jobs that were just submitted or sent, in characters of their JSON. */
const MAX_CACHED_CHARS = 8_000_000;

/** Turns what the core wants to say into frames; adds what only the shell has: the header and the task. */
export class Outbox {
  readonly #store: Store;
  readonly #tokenOf: Ports['executionToken'];
  readonly #specs = new Map<string, string>();
  #chars = 0;

  constructor(store: Store, tokenOf: Ports['executionToken']) {
    this.#store = store;
    this.#tokenOf = tokenOf;
  }

  /** Remembers the JSON of a specification that is about to be needed. */
  remember(key: SpecKey, spec: string): void {
    this.#forget(specKey(key));
    this.#specs.set(specKey(key), spec);
    this.#chars += spec.length;
    for (const oldest of this.#specs.keys()) {
      if (this.#chars <= MAX_CACHED_CHARS) return;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#chars -= this.#specs.get(key)?.length ?? 0;
    this.#specs.delete(key);
  }

  /** Frames in the order of the messages. A `run` without its specification is left out: its deadline repairs it. */
  async frames(
    messages: readonly Message[],
    epoch: number,
    specs: ReadonlyMap<string, JobSpec>,
  ): Promise<{ message: Message; frame: string }[]> {
    const frames: { message: Message; frame: string }[] = [];
    for (const message of messages) {
      const { session, body } = message;
      const frame = toFrame(body, { epoch, session }, specs);
      if (frame?.type === 'run') frame.token = await this.#tokenOf?.(frame.executionId);
      if (frame !== null) frames.push({ message, frame: JSON.stringify(frame) });
    }
    return frames;
  }

  /** The specifications that these messages need. @throws Error when the database does not answer */
  async specsFor(messages: readonly Message[]): Promise<ReadonlyMap<string, JobSpec>> {
    const specs = new Map<string, JobSpec>();
    const missing: SpecKey[] = [];
    for (const { body } of messages) {
      if (body.type !== 'run') continue;
      const key = { jobId: body.job.id, version: body.execution.jobVersion };
      const known = this.#specs.get(specKey(key));
      if (known === undefined) missing.push(key);
      else if (!specs.has(specKey(key))) specs.set(specKey(key), JSON.parse(known) as JobSpec);
    }
    if (missing.length > 0) for (const [key, spec] of await this.#store.findSpecs(missing)) specs.set(key, spec);
    return specs;
  }
}

interface Header {
  readonly epoch: number;
  readonly session: string;
}

function toFrame(body: MessageBody, header: Header, specs: ReadonlyMap<string, JobSpec>): ToAgent | null {
  switch (body.type) {
    case 'welcome':
      return { ...header, type: 'welcome', protocol: PROTOCOL_VERSION, mode: body.mode, heartbeatMs: HEARTBEAT_MS };
    case 'run': {
      const spec = specs.get(specKey({ jobId: body.job.id, version: body.execution.jobVersion }));
      return spec === undefined ? null : runFrame(body, header, spec);
    }
    case 'stop':
      return { ...header, type: 'stop', executionId: body.executionId, reason: body.reason };
    case 'keep':
      return { ...header, type: 'keep', executionId: body.executionId };
    case 'ackReport':
      return { ...header, type: 'ackReport', executionId: body.executionId, seq: body.seq };
  }
}

function runFrame({ execution, job }: Extract<MessageBody, { type: 'run' }>, header: Header, spec: JobSpec): ToAgent {
  return {
    ...header,
    type: 'run',
    executionId: execution.id,
    jobId: job.id,
    jobVersion: execution.jobVersion,
    jobType: job.type,
    namespace: job.namespace,
    partition: execution.partition,
    partitionCount: job.count,
    task: spec.Tasks[0],
    resources: execution.resources,
    executionTimeoutMs: job.needs.executionTimeoutMs,
  };
}
