import type { JobRecord, Needs } from '../../schema/records.ts';

/** Beyond this many different values they are mostly unique, and remembering them costs more than it saves. */
const MAX_VALUES = 10_000;

/**
 * Lets records share equal values: a hundred thousand waiting jobs mostly need the same, wait for the same reason and
 * stand in one namespace.
 */
export class Interner {
  readonly #texts = new Map<string, string>();
  readonly #needs = new Map<string, Needs>();

  job(job: JobRecord): JobRecord {
    // Written out, so that all records have one compact layout in memory.
    return {
      id: job.id,
      cell: this.#text(job.cell),
      namespace: this.#text(job.namespace),
      // A job without a name of its own is called like its id.
      name: job.name === job.id ? job.id : job.name,
      type: this.#text(job.type),
      priority: job.priority,
      count: job.count,
      needs: this.#sharedNeeds(job.needs),
      specHash: job.specHash,
      state: this.#text(job.state),
      stateMessage: this.#text(job.stateMessage),
      version: job.version,
      revision: job.revision,
      eventSeq: job.eventSeq,
      versionAt: job.versionAt,
      waitingSince: job.waitingSince,
      told: job.told,
      createdAt: job.createdAt,
      modifiedAt: job.modifiedAt,
    };
  }

  #text<T extends string>(text: T): T {
    const known = this.#texts.get(text);
    if (known !== undefined) return known as T;
    if (this.#texts.size >= MAX_VALUES) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  #sharedNeeds(needs: Needs): Needs {
    const key = JSON.stringify(needs);
    const known = this.#needs.get(key);
    if (known !== undefined) return known;
    if (this.#needs.size >= MAX_VALUES) this.#needs.clear();
    this.#needs.set(key, needs);
    return needs;
  }
}
