import type { Resources } from './job/job.ts';

/** How amounts and durations are written in whatever people read: the Scheduler's texts and the agents' are the same. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'] as const;
/** Digits of an amount of bytes that count. */
const DIGITS = 3;
/** A core has a million of the smallest parts that are told. */
const CPU_DECIMALS = 6;

/**
 * Milliseconds as Go writes a duration: `1m0s`, `-5s`, `1h0m0.5s`, `250ms`, `0s`. Fractions of a millisecond are rounded.
 * @see Go time.Duration.String
 */
export function durationText(ms: number): string {
  const whole = Math.round(Math.abs(ms));
  const sign = ms < 0 && whole > 0 ? '-' : '';
  if (whole > 0 && whole < 1000) return `${sign}${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const rest = `${(whole % 60_000) / 1000}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${rest}`;
  return minutes > 0 ? `${sign}${minutes}m${rest}` : `${sign}${rest}`;
}

/** Bytes in SI units with three digits: `0 B`, `512 MB`, `1.23 GB`. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // Rounded first: 999,999 bytes are 1 MB, not 1000 kB.
  while (Number(value.toPrecision(DIGITS)) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const shown = unit === 0 ? Math.round(value) : Number(value.toPrecision(DIGITS));
  return `${shown} ${UNITS[unit] ?? ''}`;
}

/** Cores with two decimals, more only where two would hide something: `0.50`, `2.00`, `0.001`. */
export function cpuText(cores: number): string {
  const [whole = '', decimals = ''] = cores.toFixed(CPU_DECIMALS).split('.');
  return `${whole}.${decimals.slice(0, 2)}${decimals.slice(2).replace(/0+$/, '')}`;
}

/** `{CPU: 0.50, Memory: 512 MB, Disk: 0 B, GPU: 0}`. @see Bacalhau pkg/models: Resources.String */
export function resourcesText({ cpu, memory, disk, gpu }: Resources): string {
  return `{CPU: ${cpuText(cpu)}, Memory: ${bytesText(memory)}, Disk: ${bytesText(disk)}, GPU: ${gpu}}`;
}
