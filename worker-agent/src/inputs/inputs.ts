import { inline } from './inline.ts';
import type { Input } from './input.ts';

/** The sources of this agent: a line each. */
export const inputs: readonly Input[] = [inline];
