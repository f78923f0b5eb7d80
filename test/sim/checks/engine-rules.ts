import type { ExecutionId } from '../../../schema/ids.ts';
import type { ExecutionRecord } from '../../../schema/records.ts';
import { add, amountsOf, fits, NOTHING } from '../../../schema/amounts.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import type { Base } from '../world/base.ts';
import type { Machine } from '../world/machine.ts';
import { isOpen } from './rows.ts';

/** What really runs on the machines, against what the store says. */
export class EngineRules {
  readonly #base: Base;
  readonly #rows: MemoryStore;
  readonly #machines: ReadonlyMap<string, Machine>;

  constructor(base: Base, rows: MemoryStore, machines: ReadonlyMap<string, Machine>) {
    this.#base = base;
    this.#rows = rows;
    this.#machines = machines;
  }

  /** A container has just been started. */
  started(machine: Machine, id: ExecutionId): void {
    const execution = this.#rows.executions.get(id)?.execution;
    const where = `${id.slice(0, 10)} on ${machine.nodeId}`;
    if (execution === undefined) return this.#base.violate(`[1] ${where} runs and is not in the store`);
    if (execution.nodeId !== machine.nodeId) this.#base.violate(`[4] ${where} runs where it was not placed`);
    // Without its journal an agent cannot know what ran before.
    if (machine.hasLostJournal) return;
    if ((machine.engine.starts.get(id) ?? 0) > 1) this.#base.violate(`[3] ${where} was started twice`);
    if (!isOpen(execution)) this.#base.violate(`[4] ${where} runs after it ended as ${execution.computeState}`);
    let used = NOTHING;
    for (const running of machine.engine.running) {
      const resources = this.#rows.executions.get(running)?.execution.resources;
      if (resources !== undefined) used = add(used, amountsOf(resources));
    }
    if (!fits(used, amountsOf(machine.plan.capacity))) {
      this.#base.violate(`[4] ${machine.nodeId} really runs more than it has: ${JSON.stringify(used)}`);
    }
  }

  /** The store has just been told that an execution is over. */
  ended(execution: ExecutionRecord): void {
    const machine = this.#machines.get(execution.nodeId);
    if (machine === undefined) return;
    const where = `${execution.id.slice(0, 10)} on ${machine.nodeId}`;
    if (execution.computeState === 'Completed' && !machine.engine.starts.has(execution.id)) {
      this.#base.violate(`[3] ${where} is Completed and never ran`);
    }
    if (machine.hasLostJournal) return;
    if (machine.engine.running.includes(execution.id)) {
      this.#base.violate(`[4] ${where} is ${execution.computeState} and runs on`);
    }
  }
}
