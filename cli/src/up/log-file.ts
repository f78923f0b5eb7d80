import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { dirname } from 'node:path';

const maxBytes = 8 * 1024 * 1024;

export interface LogBounds {
  /** Bytes; default 8 MiB. */
  readonly limit?: number;
  /** Between two looks, ms; default 10 s. */
  readonly everyMs?: number;
}

/** Puts a file that grew over the limit aside as `<file>.1`; the one before it goes. */
export function rotate(file: string, limit = maxBytes) {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size >= limit) renameSync(file, `${file}.1`);
}

/** A log of bounded size: at most two files of the limit. */
export function logFile(file: string, limit = maxBytes): (text: string | Buffer) => void {
  rotate(file, limit);
  let size = existsSync(file) ? statSync(file).size : 0;
  return (text) => {
    try {
      if (size >= limit) {
        rotate(file, limit);
        size = 0;
      }
      appendFileSync(file, text);
      size += Buffer.byteLength(text);
    } catch {
      // A full disk must not end what is being logged.
    }
  };
}

/**
 * Keeps bounded what another process logs, which may outlive this one and holds the file open for appending: from time to
 * time its text is copied to `<file>.1` and cut off. A line that comes between the two is lost.
 * @param isOver nothing is logged any more; the watching ends
 */
export function keepBounded(
  file: string,
  isOver: () => boolean,
  { limit = maxBytes, everyMs = 10_000 }: LogBounds = {},
) {
  const timer = setInterval(() => {
    cutOff(file, limit);
    if (isOver()) clearInterval(timer);
  }, everyMs);
  timer.unref();
}

function cutOff(file: string, limit: number) {
  try {
    if (statSync(file).size < limit) return;
    try {
      copyFileSync(file, `${file}.1`);
    } catch {
      // On a full disk room is worth more than the old text.
      rmSync(`${file}.1`, { force: true });
    }
    truncateSync(file);
  } catch {
    // It is not there, or not ours: the next time will tell.
  }
}

/** The end of a log, for a console that has to show why something failed. */
export function lastLines(file: string, lines: number) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
