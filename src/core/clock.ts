import type { EpochMs, EpochUs } from '../../schema/ids.ts';

/** The time a row time was made at, in milliseconds. */
export function msOf(at: EpochUs): EpochMs {
  return Math.floor(at / 1000);
}
