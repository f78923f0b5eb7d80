import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UserError, messageOf } from '../../say.mjs';

/** A page of each is read up to this many bytes of all databases together, a gigabyte a second; beyond it the schema alone. */
const maxCheckedBytes = 2 * 1024 ** 3;
const walHeaderBytes = 32;
const walMagics = [0x37_7f_06_82, 0x37_7f_06_83];

/** What is in the databases below a folder, and so what is lost with one of them. */
const contents: readonly (readonly [folder: string, what: string])[] = [
  ['d1', 'it holds all jobs, nodes and tokens, and without it Shoal starts with none'],
  [
    'do/shoal-Scheduler',
    'it holds the key by which running tasks are told apart, and without it their logs are not stored',
  ],
  ['r2', 'it lists the logs that are stored, and without it they are gone'],
];
const otherContents = 'nothing is lost without it but what can be made again';

/**
 * Looks at every SQLite file of a Worker's state before anything opens them for writing: what is damaged would end workerd
 * again and again, or answer requests with errors, and neither says which file it is.
 * @param folder where miniflare keeps its state
 * @throws UserError that names the file, and says what to do
 */
export function checkDatabases(folder: string) {
  let left = maxCheckedBytes;
  for (const file of databasesIn(folder)) {
    left -= statSync(file).size;
    const fault = walFault(`${file}-wal`) ?? databaseFault(file, left >= 0);
    if (fault !== undefined) throw damaged(folder, file, fault);
  }
}

/** Two folders down, as miniflare lays them out; what is stored in buckets lies deeper. */
function databasesIn(folder: string) {
  const foldersIn = (below: string) => {
    if (!existsSync(below)) return [];
    const entries = readdirSync(below, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(below, name));
  };
  return foldersIn(folder)
    .flatMap(foldersIn)
    .flatMap((below) => readdirSync(below).map((name) => join(below, name)))
    .filter((file) => file.endsWith('.sqlite'));
}

export interface Fault {
  readonly file: string;
  readonly text: string;
}

function damaged(folder: string, database: string, { file, text }: Fault) {
  const inside = relative(folder, dirname(database)).replaceAll('\\', '/');
  const what = contents.find(([start]) => inside.startsWith(start))?.[1] ?? otherContents;
  return new UserError(
    `the database file ${file} is damaged or cannot be read (${text}): put back a copy of ${database} and of the files beside it that begin ` +
      `with its name, or move these files away; ${what}`,
  );
}

/** SQLite takes a log whose header it cannot read for an empty one, and so forgets what was written last. */
function walFault(file: string): Fault | undefined {
  const header = Buffer.alloc(walHeaderBytes);
  if (!existsSync(file) || statSync(file).size === 0) return undefined;
  const descriptor = openSync(file, 'r');
  const bytes = readSync(descriptor, header, 0, walHeaderBytes, 0);
  closeSync(descriptor);
  if (bytes < walHeaderBytes || !walMagics.includes(header.readUInt32BE(0)) || !isSummed(header)) {
    return { file, text: 'it does not begin as a write-ahead log does' };
  }
  return undefined;
}

/** Whether the header's checksum is its own. Its low bit in the magic number says in which order words are summed. */
function isSummed(header: Buffer) {
  const isBig = (header.readUInt32BE(0) & 1) === 1;
  const word = (at: number) => (isBig ? header.readUInt32BE(at) : header.readUInt32LE(at));
  let [first, second] = [0, 0];
  for (let at = 0; at < 24; at += 8) {
    first = (first + word(at) + second) >>> 0;
    second = (second + word(at + 4) + first) >>> 0;
  }
  return first === header.readUInt32BE(24) && second === header.readUInt32BE(28);
}

/** @param isWhole false: its pages are not looked at */
function databaseFault(file: string, isWhole: boolean): Fault | undefined {
  // SQLite makes a new database of an empty file; workerd writes the first page with the file.
  if (statSync(file).size === 0) return { file, text: 'it is empty' };
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      const check = isWhole ? 'PRAGMA quick_check(1)' : 'SELECT count(*) AS schema FROM sqlite_schema';
      const said = database.prepare(check).get();
      const text = String(said?.['quick_check'] ?? 'ok');
      return text === 'ok' ? undefined : { file, text: text.replaceAll(/\s+/g, ' ') };
    } finally {
      database.close();
    }
  } catch (error) {
    return { file, text: messageOf(error) };
  }
}
