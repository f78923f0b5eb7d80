import { collect } from './collect.ts';
import { create } from './create.ts';
import { fetchInputs } from './inputs.ts';
import { publish } from './publish.ts';
import { run } from './run.ts';
import { start } from './start.ts';
import type { Step } from './step.ts';

/** The life of an execution, in order. What a step made is taken away in the reverse order, once the end is durable. */
export const steps: readonly Step[] = [fetchInputs, create, start, run, collect, publish];
