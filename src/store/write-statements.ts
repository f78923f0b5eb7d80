import { getTableName, type Table } from 'drizzle-orm';
import { commands, events, executions, jobLabels, jobs, jobVersions, nodes } from '../../schema/db/tables.ts';
import { MAX_STATEMENT_BYTES } from '../../schema/limits.ts';
import type { Changes, CommandRow, Superseded } from '../core/turn.ts';
import {
  columnsOf,
  commandToRow,
  eventToRow,
  executionToRow,
  jobToRow,
  labelsToRows,
  nodeToRow,
  versionToRow,
} from './rows.ts';
import type { Statement } from './reads/statement.ts';
import type { Batch } from './store.ts';

/**
 * Writes any number of rows with one bound value: their JSON. Measured on D1, one `json_each` statement a table costs a
 * third of one statement a row. `WHERE true` is what SQLite's grammar asks for between SELECT and ON CONFLICT.
 */
class Writer<Row extends object> {
  readonly #sql: string;
  readonly #keys: readonly string[];

  constructor(
    table: Table,
    { conflict, set }: { conflict: readonly string[]; set: 'all' | 'nothing' | 'refuse' },
    own: Readonly<Record<string, string>> = {},
  ) {
    const columns = columnsOf(table);
    this.#keys = columns.map(({ key }) => key);
    const names = columns.map(({ name }) => quote(name));
    const values = columns.map((_, i) => `value ->> ${i}`);
    const updates = columns
      .filter(({ key }) => !conflict.includes(key))
      .map(({ key, name }) => `${quote(name)} = ${own[key] ?? `excluded.${quote(name)}`}`);
    const target = columns.filter(({ key }) => conflict.includes(key)).map(({ name }) => quote(name));
    const insert =
      `INSERT INTO ${quote(getTableName(table))} (${names.join(', ')}) ` +
      `SELECT ${values.join(', ')} FROM json_each(?1)`;
    const onConflict = ` WHERE true ON CONFLICT (${target.join(', ')}) DO `;
    const instead = set === 'nothing' ? 'NOTHING' : `UPDATE SET ${updates.join(', ')}`;
    this.#sql = set === 'refuse' ? insert : insert + onConflict + instead;
  }

  /** One statement a megabyte of rows; none for no rows. */
  statements(rows: readonly Row[]): Statement[] {
    const texts = rows.map((row) => {
      const byKey = new Map<string, unknown>(Object.entries(row));
      return JSON.stringify(this.#keys.map((key) => byKey.get(key) ?? null));
    });
    return chunk(texts).map((json) => ({ sql: this.#sql, params: [json] }));
  }
}

const writers = {
  jobs: new Writer<ReturnType<typeof jobToRow>>(jobs, { conflict: ['id'], set: 'all' }),
  versions: new Writer<ReturnType<typeof versionToRow>>(jobVersions, {
    conflict: ['jobId', 'version'],
    set: 'nothing',
  }),
  labels: new Writer<ReturnType<typeof labelsToRows>[number]>(jobLabels, { conflict: ['jobId', 'key'], set: 'all' }),
  executions: new Writer<ReturnType<typeof executionToRow>>(
    executions,
    { conflict: ['id'], set: 'all' },
    // Most writes bring no output; the one that is stored stays.
    { output: 'coalesce(excluded.output, executions.output)' },
  ),
  events: new Writer<ReturnType<typeof eventToRow>>(events, { conflict: ['jobId', 'seq'], set: 'nothing' }),
  nodes: new Writer<ReturnType<typeof nodeToRow>>(nodes, { conflict: ['id'], set: 'all' }),
  // Carried out before: the whole turn must not be, see the orchestrator.
  commands: new Writer<ReturnType<typeof commandToRow>>(commands, { conflict: ['id'], set: 'refuse' }),
};

const GUARD = 'INSERT INTO guard (cell, epoch, commit_seq) VALUES (?1, ?2, ?3)';
const MOVE_FENCE =
  'UPDATE fence SET commit_seq = commit_seq + 1, commit_id = ?2, next_wake = ?3, clock = ?4, reservations = ?5 WHERE cell = ?1';
const SUPERSEDE = `UPDATE job_versions SET state = r.state, state_message = r.message, revision = r.revision, modified_at = r.at
  FROM (SELECT value ->> 0 AS job_id, value ->> 1 AS version, value ->> 2 AS state, value ->> 3 AS message,
    value ->> 4 AS revision, value ->> 5 AS at FROM json_each(?1)) AS r
  WHERE job_versions.job_id = r.job_id AND job_versions.version = r.version`;
/** The labels of the version before. */
const DROP_LABELS = 'DELETE FROM job_labels WHERE job_id IN (SELECT value FROM json_each(?1))';
/** An expired token that nothing has dropped so far must not stand in the way of its next use. */
const DROP_EXPIRED_TOKENS = `DELETE FROM commands WHERE id IN (SELECT c.id FROM json_each(?1) k
  JOIN commands c ON c.namespace = k.value ->> 0 AND c.token = k.value ->> 1 WHERE c.token IS NOT NULL AND c.expires_at < ?2)`;
const DROP_EXPIRED = `DELETE FROM commands WHERE id IN
  (SELECT id FROM commands WHERE cell = ?1 AND expires_at < ?2 ORDER BY expires_at LIMIT 100)`;

const FORGET_NODES = 'DELETE FROM nodes WHERE id IN (SELECT value FROM json_each(?1))';

const OLD_JOBS = `SELECT id FROM jobs WHERE modified_at < ?2 AND active = 0 AND cell = ?1 ORDER BY modified_at, id LIMIT ?3`;

/** The whole batch, guard first: when the guard aborts, nothing else has happened. */
export function statementsOf(batch: Batch): readonly Statement[] {
  const { cell, epoch, commitSeq, commitId, nextWake, clock, reservations, now, changes } = batch;
  return [
    { sql: GUARD, params: [cell, epoch, commitSeq] },
    { sql: MOVE_FENCE, params: [cell, commitId, nextWake, clock, JSON.stringify(reservations)] },
    ...writers.jobs.statements([...changes.jobs.values()].map((job) => jobToRow(job, !changes.inactive.has(job.id)))),
    ...supersede(changes.superseded),
    ...writers.versions.statements(changes.versions.map(versionToRow)),
    ...labels(changes),
    ...writers.executions.statements([...changes.executions.values()].map(executionToRow)),
    ...writers.events.statements(changes.events.map(eventToRow)),
    ...writers.nodes.statements([...changes.nodes.values()].map(nodeToRow)),
    ...forget(changes.forgottenNodes),
    ...dropTokens(changes.commands, now),
    ...writers.commands.statements(changes.commands.map((command) => commandToRow(command, cell))),
    ...(changes.commands.length > 0 ? [{ sql: DROP_EXPIRED, params: [cell, now] }] : []),
    ...pruneStatements(batch),
  ];
}

/** Jobs last: the others find theirs through them. */
function pruneStatements({ cell, prune }: Batch): Statement[] {
  if (prune === null) return [];
  const params = [cell, prune.before, prune.limit];
  return [
    ...['events', 'executions', 'job_versions', 'job_labels'].map((table) => ({
      sql: `DELETE FROM ${table} WHERE job_id IN (${OLD_JOBS})`,
      params,
    })),
    { sql: `DELETE FROM jobs WHERE id IN (${OLD_JOBS})`, params },
  ];
}

/** Rows for the labels of new versions; those of the versions before go first. */
function labels({ jobs: written, versions, superseded }: Changes): Statement[] {
  const old = chunk([...new Set(superseded.map(({ jobId }) => jobId))].map((jobId) => JSON.stringify(jobId)));
  const latest = new Map(versions.map((version) => [version.jobId, version]));
  const rows = [...latest.values()].flatMap((version) =>
    labelsToRows(version, written.get(version.jobId)?.createdAt ?? version.createdAt),
  );
  return [...old.map((json) => ({ sql: DROP_LABELS, params: [json] })), ...writers.labels.statements(rows)];
}

function dropTokens(commandRows: readonly CommandRow[], now: number): Statement[] {
  const keys = commandRows.filter(({ token }) => token !== null).map((row) => [row.namespace, row.token]);
  if (keys.length === 0) return [];
  return chunk(keys.map((key) => JSON.stringify(key))).map((json) => ({
    sql: DROP_EXPIRED_TOKENS,
    params: [json, now],
  }));
}

function forget(nodes: Changes['forgottenNodes']): Statement[] {
  return chunk(nodes.map((nodeId) => JSON.stringify(nodeId))).map((json) => ({ sql: FORGET_NODES, params: [json] }));
}

function supersede(rows: readonly Superseded[]): Statement[] {
  const texts = rows.map((r) =>
    JSON.stringify([r.jobId, r.version, r.state, r.stateMessage, r.revision, r.modifiedAt]),
  );
  return chunk(texts).map((json) => ({ sql: SUPERSEDE, params: [json] }));
}

/** Joins JSON texts to arrays of at most MAX_STATEMENT_BYTES, counted in UTF-8. */
function chunk(texts: readonly string[]): string[] {
  const encoder = new TextEncoder();
  const chunks: string[] = [];
  let current: string[] = [];
  let bytes = 0;
  for (const text of texts) {
    const size = encoder.encode(text).length + 1;
    if (current.length > 0 && bytes + size > MAX_STATEMENT_BYTES) {
      chunks.push(`[${current.join(',')}]`);
      current = [];
      bytes = 0;
    }
    current.push(text);
    bytes += size;
  }
  if (current.length > 0) chunks.push(`[${current.join(',')}]`);
  return chunks;
}

function quote(name: string): string {
  return `"${name}"`;
}
