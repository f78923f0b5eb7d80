import { z } from 'zod';

/**
 * Parts of an execution's time: from the agent's taking it to its first step, getting the image, getting inputs, making and
 * starting the container, the task itself, reading what it printed, and publishing its results.
 */
export const phaseNames = ['queue', 'pull', 'inputs', 'create', 'run', 'collect', 'publish'] as const;
export type Phase = (typeof phaseNames)[number];

/** How long each took, in ms; one that there was not is left out. */
export const Phases = z.partialRecord(z.enum(phaseNames), z.int().nonnegative());
export type Phases = z.infer<typeof Phases>;
