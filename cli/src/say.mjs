/** What the person at the console did or can change; printed without a stack, exit code 1. */
export class UserError extends Error {
  /** @override */
  name = 'UserError';
}

/** @param {string} text */
export function say(text) {
  process.stdout.write(`${text}\n`);
}

/**
 * One aligned line of the start-up report.
 * @param {string} what
 * @param {string} text
 */
export function report(what, text) {
  say(`  ${what.padEnd(8)}${text}`);
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
