import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { isTerminalJobState } from '../../../schema/states.ts';
import type { ChangeNode, ChangeNodeAnswer, StopAnswer, SubmitAnswer } from '../../../src/scheduler/rpc.ts';
import type { Base } from '../world/base.ts';
import type { Ended, UserChecks, UserJob } from '../world/users.ts';

/** What users were told, against what the store says. */
export class UserRules implements UserChecks {
  readonly #base: Base;
  readonly #rows: MemoryStore;
  /** Which command made each version. */
  readonly #madeBy = new Map<string, string>();

  constructor(base: Base, rows: MemoryStore) {
    this.#base = base;
    this.#rows = rows;
  }

  submitted(job: UserJob, commandId: string, ended: Ended<SubmitAnswer>): void {
    if (ended.type === 'refused') return this.#refused(job.name, commandId, ended);
    if (ended.type === 'unknown') return;
    const { jobId, version } = ended.value;
    const stored = this.#rows.jobs.get(jobId)?.job;
    if (stored === undefined || stored.version < version) {
      this.#base.violate(`[1] ${job.name} was accepted as version ${version} and is not in the store`);
    }
    const key = `${jobId}/${version}`;
    if ((this.#madeBy.get(key) ?? commandId) !== commandId) {
      this.#base.violate(`[1] two commands were told that they made version ${version} of ${job.name}`);
    }
    this.#madeBy.set(key, commandId);
  }

  stopped(job: UserJob, commandId: string, ended: Ended<StopAnswer>): void {
    if (ended.type === 'refused') return this.#refused(job.name, commandId, ended);
    if (ended.type === 'unknown' || job.jobId === null) return;
    const stored = this.#rows.jobs.get(job.jobId)?.job;
    if (stored === undefined) return this.#base.violate(`[1] ${job.name} was stopped and is not in the store`);
    if (isTerminalJobState(stored.state) || job.submits > 1) return;
    this.#base.violate(`[7] ${job.name} was stopped and is ${stored.state}`);
  }

  changed({ nodeId, commandId }: ChangeNode, ended: Ended<ChangeNodeAnswer>): void {
    if (ended.type === 'refused') this.#refused(nodeId, commandId, ended);
  }

  /** At the end: everything that was accepted is there, and each submission made at most one version. */
  finally(jobs: Iterable<UserJob>): void {
    const names = new Map([...this.#rows.jobs.values()].map(({ job }) => [job.name, job]));
    if (names.size !== this.#rows.jobs.size) this.#base.violate('[1] two jobs have one name');
    for (const job of jobs) {
      const stored = names.get(job.name);
      if (job.version > 0 && (stored === undefined || stored.version < job.version)) {
        this.#base.violate(`[1] ${job.name} was accepted as version ${job.version} and is gone`);
      }
      if (stored !== undefined && stored.version > job.submits) {
        this.#base.violate(`[1] ${job.submits} submissions of ${job.name} made ${stored.version} versions`);
      }
    }
  }

  #refused(subject: string, commandId: string, { error }: { error: Error }): void {
    if (this.#rows.commands.has(commandId)) {
      this.#base.violate(`[1] a command for ${subject} was carried out and refused: ${error.message}`);
    }
  }
}
