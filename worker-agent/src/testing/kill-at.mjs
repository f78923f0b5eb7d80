/**
 * Loaded into an agent before its own code: kills it, as SIGKILL does, around the write of one record of its journal.
 * SHOAL_KILL_AT is the record's type, SHOAL_KILL_WHEN `before` or `after` its fsync. SHOAL_FAIL_AT makes the write of a
 * record fail as a full disk does.
 */
import { open } from 'node:fs/promises';

const { SHOAL_KILL_AT: at = '', SHOAL_KILL_WHEN: when = '', SHOAL_FAIL_AT: failAt = '' } = process.env;
const handle = await open(process.execPath, 'r');
/** @type {import('node:fs/promises').FileHandle} */
const prototype = Object.getPrototypeOf(handle);
await handle.close();
/** What is replaced, each as it was. */
const { appendFile, datasync } = /** @type {Pick<import('node:fs/promises').FileHandle, 'appendFile' | 'datasync'>} */ (
  Object.fromEntries(/** @type {const} */ (['appendFile', 'datasync']).map((name) => [name, prototype[name]]))
);
let armed = false;

/** @param {unknown} data @param {string} type */
const isAbout = (data, type) => type !== '' && Buffer.isBuffer(data) && data.includes(`{"type":"${type}"`);
const die = () => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
};

/** @param {Parameters<typeof appendFile>} args */
prototype.appendFile = async function (...args) {
  if (isAbout(args[0], failAt)) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  if (isAbout(args[0], at)) {
    if (when === 'before') return die();
    armed = true;
  }
  return appendFile.apply(this, args);
};

prototype.datasync = async function () {
  await datasync.call(this);
  if (armed) await die();
};
