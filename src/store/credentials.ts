import type { InferSelectModel } from 'drizzle-orm';
import { z } from 'zod';
import { capabilities, type Capability, type CredentialKind } from '../../schema/credentials.ts';
import { credentials } from '../../schema/db/tables.ts';
import type { EpochMs } from '../../schema/ids.ts';
import { MAX_UNPAGED_ROWS } from '../../schema/limits.ts';
import { runBatch, type Database, type Row } from './reads/run-batch.ts';
import type { Statement } from './reads/statement.ts';
import { columnsOf, selectList } from './rows.ts';

/** Somebody who may call, or the public key of somebody who may log in. Never a secret. */
export interface CredentialRecord {
  readonly id: string;
  readonly kind: CredentialKind;
  readonly name: string;
  /** What a request is looked up by: see the table. */
  readonly lookup: string;
  readonly verifier: string;
  readonly ending: string;
  readonly parent: string;
  readonly capabilities: readonly Capability[];
  /** `*` among them means all. */
  readonly namespaces: readonly string[];
  readonly createdAt: EpochMs;
  /** 0 when it never expires. */
  readonly expiresAt: EpochMs;
}

/** Credentials in D1. The Worker writes them itself: they are no state of any job. Throws 503 when D1 does not answer. */
export interface Credentials {
  /** By what a request shows; expired ones are not found. */
  find(kinds: readonly CredentialKind[], lookup: string, now: EpochMs): Promise<CredentialRecord | null>;
  /** All that have not expired, but sessions: the oldest first. */
  list(now: EpochMs): Promise<readonly CredentialRecord[]>;
  /** False when its kind has this lookup already, or its parent is gone. Drops some that have expired. */
  add(record: CredentialRecord): Promise<boolean>;
  /** With the sessions that it opened. False when there is none. */
  remove(id: string): Promise<boolean>;
  /** Whether there is any of the kind; of any kind when it is null. */
  any(kind: CredentialKind | null, now: EpochMs): Promise<boolean>;
}

type CredentialRow = InferSelectModel<typeof credentials>;

const COLUMNS = selectList(credentials, 'c');
const NAMES = columnsOf(credentials)
  .map(({ name }) => name)
  .join(', ');
const Capabilities = z.array(z.enum(capabilities));
const Namespaces = z.array(z.string());
const LIVE = '(expires_at = 0 OR expires_at > ?1)';

/** Names of our own, so they may stand in the SQL. */
function listOf(kinds: readonly CredentialKind[]): string {
  return kinds.map((kind) => `'${kind}'`).join(', ');
}

export function findCredential(kinds: readonly CredentialKind[], lookup: string, now: EpochMs): Statement {
  return {
    sql: `SELECT ${COLUMNS} FROM credentials AS c WHERE kind IN (${listOf(kinds)}) AND lookup = ?2 AND ${LIVE}`,
    params: [now, lookup],
  };
}

export function listCredentials(now: EpochMs): Statement {
  return {
    sql: `SELECT ${COLUMNS} FROM credentials AS c WHERE kind IN ('key', 'user', 'publicKey') AND ${LIVE}
      ORDER BY created_at, id LIMIT ${MAX_UNPAGED_ROWS}`,
    params: [now],
  };
}

export function anyCredential(kind: CredentialKind | null, now: EpochMs): Statement {
  const kinds = kind === null ? (['key', 'user', 'publicKey'] as const) : [kind];
  return {
    sql: `SELECT 1 AS found FROM credentials
      WHERE kind IN (${listOf(kinds)}) AND ${LIVE} LIMIT 1`,
    params: [now],
  };
}

const PRUNE = `DELETE FROM credentials WHERE id IN
  (SELECT id FROM credentials WHERE expires_at > 0 AND expires_at < ?1 LIMIT 100)`;
const ADD = `INSERT INTO credentials (${NAMES}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
  WHERE ?7 = '' OR EXISTS (SELECT 1 FROM credentials WHERE id = ?7)
  ON CONFLICT (kind, lookup) DO NOTHING RETURNING id`;

export function addCredential(record: CredentialRecord): readonly Statement[] {
  const { id, kind, name, lookup, verifier, ending, parent, createdAt, expiresAt } = record;
  const lists = [JSON.stringify(record.capabilities), JSON.stringify(record.namespaces)];
  return [
    { sql: PRUNE, params: [createdAt] },
    { sql: ADD, params: [id, kind, name, lookup, verifier, ending, parent, ...lists, createdAt, expiresAt] },
  ];
}

export function removeCredential(id: string): readonly Statement[] {
  return [
    { sql: `DELETE FROM credentials WHERE parent = ?1 AND parent <> ''`, params: [id] },
    { sql: `DELETE FROM credentials WHERE id = ?1 AND kind <> 'session' RETURNING id`, params: [id] },
  ];
}

export function makeCredentials<S>(db: Database<S>): Credentials {
  return {
    async find(kinds, lookup, now) {
      const [rows = []] = await runBatch(db, [findCredential(kinds, lookup, now)]);
      return rows[0] === undefined ? null : readCredential(rows[0]);
    },
    async list(now) {
      const [rows = []] = await runBatch(db, [listCredentials(now)]);
      return rows.map(readCredential);
    },
    async add(record) {
      const [, added = []] = await runBatch(db, addCredential(record));
      return added.length > 0;
    },
    async remove(id) {
      const [, removed = []] = await runBatch(db, removeCredential(id));
      return removed.length > 0;
    },
    async any(kind, now) {
      const [rows = []] = await runBatch(db, [anyCredential(kind, now)]);
      return rows.length > 0;
    },
  };
}

/** What it may do is read as narrowly as a request: a row that says anything else lets nobody in. */
function readCredential(row: Row): CredentialRecord {
  const read = row as CredentialRow;
  return {
    ...read,
    capabilities: Capabilities.parse(JSON.parse(read.capabilities)),
    namespaces: Namespaces.parse(JSON.parse(read.namespaces)),
  };
}
