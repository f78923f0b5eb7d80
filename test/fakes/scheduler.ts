import type { LiveNode, SchedulerRpc, StopJob, SubmitJob } from '../../src/scheduler/rpc.ts';
import type { FakeD1 } from './d1.ts';

/** How one call to the fake goes wrong. */
interface Fault {
  readonly error: Error;
  /** True when the command takes effect before its answer is lost. */
  readonly after?: boolean;
}

/**
 * A Scheduler that takes every job and starts none: commands are rows in D1 before they are answered, and a command that
 * comes again gets its first answer.
 */
export class FakeScheduler implements SchedulerRpc {
  readonly #db: FakeD1;
  readonly submits: SubmitJob[] = [];
  readonly stops: StopJob[] = [];
  readonly faults: Fault[] = [];
  nodes: readonly LiveNode[] | Error = [];

  constructor(db: FakeD1) {
    this.#db = db;
  }

  async submitJob(submit: SubmitJob): ReturnType<SchedulerRpc['submitJob']> {
    this.submits.push(submit);
    return this.#once(submit, () => {
      const { jobId, namespace, name, type, priority, count, spec, specHash, needs } = submit;
      const now = 1_763_633_472_000_000 + this.submits.length;
      this.#db.insert('job_versions', { job_id: jobId, version: 1, spec, created_at: now });
      this.#db.insert('jobs', {
        id: jobId,
        cell: 'cell-0',
        namespace,
        name,
        type,
        priority,
        count,
        needs: JSON.stringify(needs),
        spec_hash: specHash,
        state: 'Pending',
        state_message: '',
        version: 1,
        revision: 1,
        event_seq: 0,
        version_at: 0,
        active: 1,
        created_at: now,
        modified_at: now,
      });
      return { jobId, evaluationId: submit.evaluationId, version: 1 };
    });
  }

  async stopJob(stop: StopJob): ReturnType<SchedulerRpc['stopJob']> {
    this.stops.push(stop);
    return this.#once(stop, () => {
      this.#db.sqlite
        .prepare(`UPDATE jobs SET state = 'Stopped', state_message = ? WHERE id = ?`)
        .run(stop.reason, stop.jobId);
      return { evaluationId: stop.evaluationId };
    });
  }

  async poke(): Promise<void> {}

  async liveNodes(): Promise<readonly LiveNode[]> {
    if (this.nodes instanceof Error) throw this.nodes;
    return this.nodes;
  }

  rerunJob(): Promise<never> {
    return Promise.reject(new Error('this fake does not rerun'));
  }

  changeNode(): Promise<never> {
    return Promise.reject(new Error('this fake does not change nodes'));
  }

  async #once<T>(command: { commandId: string; jobId: string }, run: () => T): Promise<{ ok: true; value: T }> {
    const fault = this.faults.shift();
    if (fault !== undefined && fault.after !== true) throw fault.error;
    const known = this.#db.sqlite.prepare('SELECT answer FROM commands WHERE id = ?').get(command.commandId);
    if (known !== undefined) return JSON.parse(String(known['answer']));
    const answer = { ok: true as const, value: run() };
    this.#db.insert('commands', {
      id: command.commandId,
      cell: 'cell-0',
      job_id: command.jobId,
      answer: JSON.stringify(answer),
      expires_at: 0,
    });
    if (fault !== undefined) throw fault.error;
    return answer;
  }
}
