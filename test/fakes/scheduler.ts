import type {
  Answer,
  AnswerTo,
  ChangeNode,
  ChangeNodeAnswer,
  CommandEvent,
  CommandType,
  DryRunAnswer,
  LiveNode,
  NodeAction,
  RerunJob,
  SchedulerRpc,
  StopAnswer,
  StopJob,
  SubmitAnswer,
  SubmitJob,
} from '../../src/scheduler/rpc.ts';
import { repeated } from '../../src/core/events/submit.ts';
import type { FakeD1 } from './d1.ts';

const MEMBERSHIPS: Readonly<Record<NodeAction, string | null>> = {
  approve: 'APPROVED',
  reject: 'REJECTED',
  delete: null,
  drain: 'APPROVED',
  resume: 'APPROVED',
};

/** How one call to the fake goes wrong. */
interface Fault {
  readonly error: Error;
  /** True when the command takes effect before its answer is lost. */
  readonly after?: boolean;
}

/**
 * A Scheduler that takes every job and starts none: commands are rows in D1 before they are answered, and a command that
 * comes again gets its first answer. It knows neither names nor versions: each submission is a job of its own.
 */
export class FakeScheduler implements SchedulerRpc {
  readonly #db: FakeD1;
  readonly submits: SubmitJob[] = [];
  readonly stops: StopJob[] = [];
  readonly reruns: RerunJob[] = [];
  readonly changes: ChangeNode[] = [];
  readonly faults: Fault[] = [];
  nodes: readonly LiveNode[] | Error = [];
  dryRunAnswer: DryRunAnswer = { starts: false, nodes: [], warnings: [] };

  constructor(db: FakeD1) {
    this.#db = db;
  }

  async command<T extends CommandType>({ type, command }: CommandEvent<T>): Promise<AnswerTo<T>> {
    const carryOut: { [K in CommandType]: (asked: CommandEvent<K>['command']) => Promise<AnswerTo<K>> } = {
      submitJob: (asked) => this.submitJob(asked),
      stopJob: (asked) => this.stopJob(asked),
      rerunJob: (asked) => this.rerunJob(asked),
      changeNode: (asked) => this.changeNode(asked),
    };
    return carryOut[type](command);
  }

  async submitJob(submit: SubmitJob): Promise<Answer<SubmitAnswer>> {
    this.submits.push(submit);
    const { idempotency, namespace } = submit;
    const used = this.#db.sqlite
      .prepare('SELECT answer, request_hash AS hash FROM commands WHERE namespace = ? AND token = ?')
      .get(namespace, idempotency?.token ?? null);
    if (used !== undefined && idempotency !== undefined) {
      const first = JSON.parse(String(used['answer'])) as { value: unknown };
      return repeated(idempotency, { requestHash: String(used['hash']), answer: JSON.stringify(first.value) });
    }
    const answer = await this.#once<SubmitAnswer>(submit, () => {
      this.#insertJob(submit);
      return { jobId: submit.jobId, evaluationId: submit.evaluationId, version: 1 };
    });
    if (idempotency !== undefined) {
      this.#db.sqlite
        .prepare('UPDATE commands SET namespace = ?, token = ?, request_hash = ? WHERE id = ?')
        .run(namespace, idempotency.token, idempotency.requestHash, submit.commandId);
    }
    return answer;
  }

  #insertJob({ jobId, namespace, name, type, priority, count, spec, specHash, needs }: SubmitJob): void {
    const now = 1_763_633_472_000_000 + this.submits.length;
    this.#db.insert('job_versions', { job_id: jobId, version: 1, spec, created_at: now });
    for (const [key, value] of Object.entries((JSON.parse(spec) as { Labels: Record<string, string> }).Labels)) {
      this.#db.insert('job_labels', { job_id: jobId, key, value, created_at: now });
    }
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
  }

  async stopJob(stop: StopJob): Promise<Answer<StopAnswer>> {
    this.stops.push(stop);
    return this.#once(stop, () => {
      this.#db.sqlite
        .prepare(`UPDATE jobs SET state = 'Stopped', state_message = ? WHERE id = ?`)
        .run(stop.reason, stop.jobId);
      return { evaluationId: stop.evaluationId };
    });
  }

  async rerunJob(rerun: RerunJob): Promise<Answer<SubmitAnswer>> {
    this.reruns.push(rerun);
    const job = this.#db.sqlite.prepare('SELECT state, version FROM jobs WHERE id = ?').get(rerun.jobId);
    const state = String(job?.['state']);
    if (state === 'Pending' || state === 'Queued') {
      const hint = 'try to use the job run command instead of the job rerun command';
      const message = `cannot rerun job in state ${state}`;
      return { ok: false, error: { status: 409, code: '', component: 'Bacalhau', message, hint } };
    }
    return this.#once(rerun, () => ({
      jobId: rerun.jobId,
      evaluationId: rerun.evaluationId,
      version: Number(job?.['version']) + 1,
    }));
  }

  async changeNode(change: ChangeNode): Promise<Answer<ChangeNodeAnswer>> {
    this.changes.push(change);
    const node = this.#db.sqlite.prepare('SELECT membership FROM nodes WHERE id = ?').get(change.nodeId);
    const target = MEMBERSHIPS[change.action];
    const judges = change.action === 'approve' || change.action === 'reject';
    if (target !== null && judges && node?.['membership'] === target) {
      const message = `node ${change.nodeId} already ${target.toLowerCase()}`;
      return { ok: false, error: { status: 409, code: 'ConflictNodeState', component: 'NodesManager', message } };
    }
    return this.#once({ commandId: change.commandId, jobId: '' }, () => {
      const sql = target === null ? 'DELETE FROM nodes WHERE id = ?' : 'UPDATE nodes SET membership = ?2 WHERE id = ?1';
      this.#db.sqlite.prepare(sql).run(...(target === null ? [change.nodeId] : [change.nodeId, target]));
      return { nodeId: change.nodeId };
    });
  }

  async poke(): Promise<void> {}

  async dryRun(): Promise<DryRunAnswer> {
    return this.dryRunAnswer;
  }

  async liveNodes(): Promise<readonly LiveNode[]> {
    if (this.nodes instanceof Error) throw this.nodes;
    return this.nodes;
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
