import { z } from 'zod';
import type { EpochUs } from '../ids.ts';

/**
 * An integer literal of any size. Unix nanoseconds exceed 2^53: written as a JavaScript number they would lose their last
 * digits, so they are written as text that `JSON.stringify` takes over as it is. Who reads them with `JSON.parse` gets a
 * rounded number.
 */
export interface RawInteger {
  readonly rawJSON: string;
}

export const Nanos = z
  .union([
    z.number().refine(Number.isInteger, 'whole nanoseconds'),
    z.custom<RawInteger>((value) => typeof value === 'object' && value !== null && 'rawJSON' in value),
  ])
  .describe('Unix nanoseconds.');
export type Nanos = z.infer<typeof Nanos>;

// Part of ECMAScript, in workerd and Node 22 or newer, but not in the library types yet.
const json = JSON as JSON & { rawJSON(text: string): RawInteger };

/** Row times are microseconds; the wire has nanoseconds. */
export function nanosOf(us: EpochUs): RawInteger {
  return json.rawJSON(us === 0 ? '0' : `${us}000`);
}
