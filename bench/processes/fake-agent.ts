import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import type { ExecutionId } from '../../schema/ids.ts';
import type { FromAgent } from '../../schema/protocol/from-agent.ts';
import type { Run, ToAgent } from '../../schema/protocol/to-agent.ts';
import { closeCodes, CONNECT_PATH, PING, PONG } from '../../schema/protocol/version.ts';
import { ack, cancelled, completed, hello, reject, spokenVersions, type NodePlan } from './wire.ts';

/** When tasks end: as soon as they come, only when they are let go, or after so many milliseconds. */
export type Ending = 'at once' | 'when let go' | number;

export interface Behaviour {
  ending: Ending;
  /** Declines jobs with this network. */
  declines: string | null;
}

export interface Hears {
  frame(frame: ToAgent, jobId: string | undefined): void;
  /** The connection broke although nobody asked for it. */
  lost(why: string): void;
}

export interface Life {
  /** Looked at whenever a task comes. */
  readonly behaviour: Behaviour;
  readonly hears: Hears;
}

const HEARTBEAT_MS = 15_000;
/** As the real agent: a report is sent again until it is acknowledged. */
const RESEND_MS = 5_000;
const REDIAL_MS = 1_000;

interface Held {
  readonly jobId: string;
  /** Null while the task runs. */
  report: FromAgent | null;
  sentAt: number;
}

/** An agent without tasks: it acknowledges, and reports their end. What is left is the cost of Shoal itself. */
export class FakeAgent {
  readonly #url: string;
  readonly #plan: NodePlan;
  readonly #behaviour: Behaviour;
  readonly #hears: Hears;
  readonly #instance = randomUUID();
  readonly #held = new Map<ExecutionId, Held>();
  #socket: WebSocket | undefined;
  #timers: NodeJS.Timeout[] = [];
  #leaves = false;
  #isLetGo = false;
  /** Newest first; those that were refused are gone. */
  #versions: readonly number[];

  /** @param versions that it speaks, newest first */
  constructor(url: string, plan: NodePlan, life: Life, versions: readonly number[] = spokenVersions()) {
    this.#url = `${url.replace(/^http/, 'ws')}${CONNECT_PATH}`;
    this.#plan = plan;
    this.#behaviour = life.behaviour;
    this.#hears = life.hears;
    this.#versions = versions;
  }

  get nodeId(): string {
    return this.#plan.nodeId;
  }

  /** Resolves with the welcome. @throws Error when the node is not let in */
  async join(): Promise<void> {
    await this.#dial();
    this.#timers = [
      setInterval(() => this.#socket?.send(PING), HEARTBEAT_MS),
      setInterval(() => this.#resend(), 1_000),
    ];
  }

  leave(): void {
    this.#leaves = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#socket?.close();
  }

  /** Ends every task that runs, and from now on those that come as soon as they come. */
  letGo(): void {
    this.#isLetGo = true;
    for (const [id, held] of this.#held) if (held.report === null) this.#end(id, completed(id));
  }

  #dial(): Promise<void> {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false });
    this.#socket = socket;
    const [version = 0] = this.#versions;
    return new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('message', (data: Buffer) => this.#take(data.toString(), resolve));
      socket.on('open', () => this.#send(hello(this.#plan, version, this.#instance, this.#holds())));
      socket.on('close', (code, reason) => {
        const isTooNew = code === closeCodes.unsupportedVersion && this.#versions.length > 1;
        if (isTooNew) this.#versions = this.#versions.slice(1);
        if (isTooNew) return resolve(this.#dial());
        reject(new Error(`closed with ${code} ${reason.toString()}`));
        if (!this.#leaves) this.#redial(`${code} ${reason.toString()}`);
      });
    });
  }

  #redial(why: string): void {
    this.#hears.lost(why);
    setTimeout(() => {
      if (!this.#leaves) this.#dial().catch(() => {});
    }, Math.random() * REDIAL_MS);
  }

  #holds() {
    return [...this.#held].map(([executionId, { report }]) => ({
      executionId,
      state: report === null ? ('Running' as const) : ('Completed' as const),
      lastSeq: report === null ? 0 : 1,
    }));
  }

  #take(text: string, welcomed: () => void): void {
    if (text === PONG) return;
    const frame = JSON.parse(text) as ToAgent;
    this.#hears.frame(frame, this.#jobOf(frame));
    if (frame.type === 'welcome') welcomed();
    else if (frame.type === 'run') this.#run(frame);
    else if (frame.type === 'stop') this.#end(frame.executionId, cancelled(frame.executionId));
    else if (frame.type === 'ackReport') this.#held.delete(frame.executionId);
  }

  #jobOf(frame: ToAgent): string | undefined {
    if (frame.type === 'run') return frame.jobId;
    return 'executionId' in frame ? this.#held.get(frame.executionId)?.jobId : undefined;
  }

  #run({ executionId, jobId, task }: Run): void {
    const { declines } = this.#behaviour;
    const ending = this.#isLetGo ? 'at once' : this.#behaviour.ending;
    if (declines !== null && task.Network.Type === declines) return this.#send(reject(executionId));
    this.#send(ack(executionId));
    const held = this.#held.get(executionId);
    if (held !== undefined) return void (held.report !== null && this.#send(held.report));
    this.#held.set(executionId, { jobId, report: null, sentAt: 0 });
    if (ending === 'at once') this.#end(executionId, completed(executionId));
    else if (ending !== 'when let go') setTimeout(() => this.#end(executionId, completed(executionId)), ending);
  }

  #end(executionId: ExecutionId, report: FromAgent): void {
    const held = this.#held.get(executionId) ?? { jobId: '', report: null, sentAt: 0 };
    this.#held.set(executionId, held);
    held.report ??= report;
    held.sentAt = performance.now();
    this.#send(held.report);
  }

  #resend(): void {
    const due = performance.now() - RESEND_MS;
    for (const held of this.#held.values()) {
      if (held.report === null || held.sentAt > due) continue;
      held.sentAt = performance.now();
      this.#send(held.report);
    }
  }

  #send(frame: FromAgent): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}
