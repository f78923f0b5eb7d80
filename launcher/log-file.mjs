import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const maxBytes = 8 * 1024 * 1024;

/**
 * Puts a file that grew over the limit aside as `<file>.1`; the one before it goes.
 * @param {string} file
 * @param {number} [limit]
 */
export function rotate(file, limit = maxBytes) {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size >= limit) renameSync(file, `${file}.1`);
}

/**
 * A log of bounded size: at most two files of the limit.
 * @param {string} file
 * @param {number} [limit]
 * @returns {(text: string | Buffer) => void}
 */
export function logFile(file, limit = maxBytes) {
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
 * The end of a log, for a console that has to show why something failed.
 * @param {string} file
 * @param {number} lines
 */
export function lastLines(file, lines) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}
