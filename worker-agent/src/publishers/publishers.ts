import { noop } from './noop.ts';
import type { Publisher } from './publisher.ts';

/** The publishers of this agent: a line each. */
export const publishers: readonly Publisher[] = [noop];
