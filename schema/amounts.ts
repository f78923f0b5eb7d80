import type { Resources } from './job/job.ts';

/**
 * Sums of `Resources`, for the Scheduler and the agents alike: both say what still fits by the same law. CPU is counted in
 * whole millionths of a core: sums of fractions such as 0.1 would drift, and a node would end up a hair short of what it has.
 */
export interface Amounts {
  readonly cpuMicros: number;
  readonly memory: number;
  readonly disk: number;
  readonly gpu: number;
}

export const NOTHING: Amounts = { cpuMicros: 0, memory: 0, disk: 0, gpu: 0 };

const MICROS = 1_000_000;

/** Resources are values that are replaced, never changed: their sums are made once. */
const known = new WeakMap<Resources, Amounts>();

export function amountsOf(resources: Resources): Amounts {
  const before = known.get(resources);
  if (before !== undefined) return before;
  const amounts: Amounts = {
    cpuMicros: Math.round(resources.cpu * MICROS),
    memory: resources.memory,
    disk: resources.disk,
    gpu: resources.gpu,
  };
  known.set(resources, amounts);
  return amounts;
}

export function resourcesOf(amounts: Amounts): Resources {
  return { cpu: amounts.cpuMicros / MICROS, memory: amounts.memory, disk: amounts.disk, gpu: amounts.gpu };
}

export function add(a: Amounts, b: Amounts): Amounts {
  return {
    cpuMicros: a.cpuMicros + b.cpuMicros,
    memory: a.memory + b.memory,
    disk: a.disk + b.disk,
    gpu: a.gpu + b.gpu,
  };
}

export function subtract(a: Amounts, b: Amounts): Amounts {
  return {
    cpuMicros: a.cpuMicros - b.cpuMicros,
    memory: a.memory - b.memory,
    disk: a.disk - b.disk,
    gpu: a.gpu - b.gpu,
  };
}

/** Never below zero: what a node has left when it offers less than before. */
export function atLeastNothing(a: Amounts): Amounts {
  return {
    cpuMicros: Math.max(0, a.cpuMicros),
    memory: Math.max(0, a.memory),
    disk: Math.max(0, a.disk),
    gpu: Math.max(0, a.gpu),
  };
}

/** The lesser of each. */
export function least(a: Amounts, b: Amounts): Amounts {
  return {
    cpuMicros: Math.min(a.cpuMicros, b.cpuMicros),
    memory: Math.min(a.memory, b.memory),
    disk: Math.min(a.disk, b.disk),
    gpu: Math.min(a.gpu, b.gpu),
  };
}

export function fits(need: Amounts, free: Amounts): boolean {
  return (
    need.cpuMicros <= free.cpuMicros && need.memory <= free.memory && need.disk <= free.disk && need.gpu <= free.gpu
  );
}
