import type { EpochMs, JobId } from '../../schema/ids.ts';
import { JobSpec } from '../../schema/job/job.ts';
import { NO_RESERVATIONS, type JobRecord, type Reservations } from '../../schema/records.ts';
import type { Loaded } from '../core/world.ts';
import { executions, jobs, nodes } from '../../schema/db/tables.ts';
import { failureOf } from './failure.ts';
import {
  executionFromRow,
  jobFromRow,
  nodeFromRow,
  selectList,
  type ExecutionRow,
  type JobRow,
  type NodeRow,
} from './rows.ts';
import type { Batch, CommitOutcome, FenceRow, JobNameKey, SpecKey, Store, TokenKey, TokenUse } from './store.ts';
import { specKey } from './store.ts';
import type { Database, Result } from './reads/run-batch.ts';
import { statementsOf } from './write-statements.ts';

/** Active jobs loaded in one page, with their executions. */
const PAGE_JOBS = 1_000;

const JOB = selectList(jobs, 'j');
const EXECUTION = selectList(executions, 'e', ['output', 'open']);

const FENCE = 'epoch, commit_seq AS commitSeq, commit_id AS commitId, next_wake AS nextWake, clock, reservations';
const OPEN_FENCE = `INSERT INTO fence (cell, epoch, commit_seq, commit_id, next_wake, clock) VALUES (?1, ?2, 0, '', 0, 0)
  ON CONFLICT (cell) DO UPDATE SET epoch = max(fence.epoch + 1, excluded.epoch) RETURNING ${FENCE}`;
const READ_FENCE = `SELECT ${FENCE} FROM fence WHERE cell = ?1`;
const ACTIVE_JOBS = `SELECT ${JOB} FROM jobs j
  WHERE j.cell = ?1 AND j.active = 1 AND j.id > ?2 ORDER BY j.id LIMIT ${PAGE_JOBS}`;
const ACTIVE_EXECUTIONS = `SELECT ${EXECUTION}
  FROM (SELECT id, version FROM jobs WHERE cell = ?1 AND active = 1 AND id > ?2 ORDER BY id LIMIT ${PAGE_JOBS}) j
  JOIN executions e ON e.job_id = j.id WHERE e.job_version = j.version OR e.open = 1 ORDER BY e.created_at`;
const NODES = `SELECT ${selectList(nodes, 'n')} FROM nodes n WHERE n.cell = ?1 ORDER BY n.id`;
const JOBS_BY_ID = `SELECT ${JOB} FROM json_each(?1) k JOIN jobs j ON j.id = k.value`;
const JOBS_BY_NAME = `SELECT ${JOB} FROM json_each(?1) k
  JOIN jobs j ON j.namespace = k.value ->> 0 AND j.name = k.value ->> 1`;
const COMMANDS = 'SELECT c.id, c.answer FROM json_each(?1) k JOIN commands c ON c.id = k.value';
const TOKENS = `SELECT c.namespace, c.token, c.request_hash AS requestHash, c.answer FROM json_each(?1) k
  JOIN commands c ON c.namespace = k.value ->> 0 AND c.token = k.value ->> 1 WHERE c.token IS NOT NULL AND c.expires_at >= ?2`;
const INSTALLATION = 'SELECT node_id AS nodeId FROM installation WHERE id = 1';
const SPECS = `SELECT v.job_id AS jobId, v.version, v.spec FROM json_each(?1) k
  JOIN job_versions v ON v.job_id = k.value ->> 0 AND v.version = k.value ->> 1`;

/** Without what the Scheduler does not hold. */
type HeldRow = Omit<ExecutionRow, 'output' | 'open'>;

/** Errors that say clearly that the batch itself was wrong; anything else leaves the outcome open. */
const REFUSALS = /SQLITE_(CONSTRAINT|ERROR|TOOBIG|MISMATCH|RANGE)|too many SQL variables|syntax error/i;

/** The store on D1: raw prepared statements, since the query builder costs a quarter on small batches. */
export class D1Store<S> implements Store {
  readonly #db: Database<S>;

  constructor(db: Database<S>) {
    this.#db = db;
  }

  async open(cell: string, now: EpochMs): Promise<{ loaded: Loaded; fence: FenceRow }> {
    // The epoch moves in the same batch that reads: a turn of an older Scheduler is either seen here or refused later.
    const [fenceResult, jobResult, executionResult, nodeResult] = await this.#db.batch([
      this.#db.prepare(OPEN_FENCE).bind(cell, now),
      this.#db.prepare(ACTIVE_JOBS).bind(cell, ''),
      this.#db.prepare(ACTIVE_EXECUTIONS).bind(cell, ''),
      this.#db.prepare(NODES).bind(cell),
    ]);
    const fence = fenceOf(fenceResult);
    if (fence === null) throw new Error('the fence row was not returned');
    const jobRows = rowsOf<JobRow>(jobResult);
    const executionRows = rowsOf<HeldRow>(executionResult);
    await this.#loadRest(cell, jobRows, executionRows);
    const loaded: Loaded = {
      cell,
      epoch: fence.epoch,
      clock: fence.clock,
      reservations: fence.reservations,
      jobs: jobRows.map(jobFromRow),
      executions: executionRows.map(executionFromRow),
      nodes: rowsOf<NodeRow>(nodeResult).map(nodeFromRow),
    };
    return { loaded, fence };
  }

  async commit(batch: Batch): Promise<CommitOutcome> {
    let statements: S[];
    try {
      statements = statementsOf(batch).map(({ sql, params }) => this.#db.prepare(sql).bind(...params));
    } catch (error) {
      // Nothing was sent: some row cannot be written as it is.
      return { type: 'refused', reason: error instanceof Error ? error.message : String(error) };
    }
    try {
      const last = (await this.#db.batch(statements)).at(-1);
      const pruned = batch.prune === null ? 0 : (last?.meta.changes ?? 0);
      return { type: 'committed', databaseBytes: last?.meta.size_after ?? 0, pruned };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason.includes('shoal:fenced')) return { type: 'guarded' };
      const failure = failureOf(error);
      if (failure !== 'silent') return { type: 'unwritable', failure, reason };
      return REFUSALS.test(reason) ? { type: 'refused', reason } : { type: 'unknown', reason };
    }
  }

  async readFence(cell: string): Promise<FenceRow | null> {
    const [result] = await this.#db.batch([this.#db.prepare(READ_FENCE).bind(cell)]);
    return fenceOf(result);
  }

  async findJobs(ids: readonly JobId[], names: readonly JobNameKey[]): Promise<readonly JobRecord[]> {
    const keys = names.map(({ namespace, name }) => [namespace, name]);
    const results = await this.#db.batch([
      this.#db.prepare(JOBS_BY_ID).bind(JSON.stringify(ids)),
      this.#db.prepare(JOBS_BY_NAME).bind(JSON.stringify(keys)),
    ]);
    return results.flatMap((result) => rowsOf<JobRow>(result).map(jobFromRow));
  }

  async findCommands(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const [result] = await this.#db.batch([this.#db.prepare(COMMANDS).bind(JSON.stringify(ids))]);
    return new Map(rowsOf<{ id: string; answer: string }>(result).map(({ id, answer }) => [id, answer]));
  }

  async findTokens(keys: readonly TokenKey[], now: EpochMs): Promise<readonly TokenUse[]> {
    const pairs = JSON.stringify(keys.map(({ namespace, token }) => [namespace, token]));
    const [result] = await this.#db.batch([this.#db.prepare(TOKENS).bind(pairs, now)]);
    return rowsOf<TokenUse>(result);
  }

  async orchestratorId(): Promise<string> {
    const [result] = await this.#db.batch([this.#db.prepare(INSTALLATION).bind()]);
    const row = rowsOf<{ nodeId: string }>(result)[0];
    if (row === undefined) throw new Error('the installation has no row: its migrations are not complete');
    return row.nodeId;
  }

  async findSpecs(keys: readonly SpecKey[]): Promise<ReadonlyMap<string, JobSpec>> {
    const wanted = JSON.stringify(keys.map(({ jobId, version }) => [jobId, version]));
    const [result] = await this.#db.batch([this.#db.prepare(SPECS).bind(wanted)]);
    return new Map(
      rowsOf<{ jobId: JobId; version: number; spec: string }>(result).map((row) => [
        specKey(row),
        JobSpec.parse(JSON.parse(row.spec)),
      ]),
    );
  }

  /** Pages on: safe after the epoch has moved, since nobody else can write any more. */
  async #loadRest(cell: string, jobRows: JobRow[], executionRows: HeldRow[]): Promise<void> {
    for (let full = jobRows.length === PAGE_JOBS; full;) {
      const after = jobRows.at(-1)?.id ?? '';
      const [jobResult, executionResult] = await this.#db.batch([
        this.#db.prepare(ACTIVE_JOBS).bind(cell, after),
        this.#db.prepare(ACTIVE_EXECUTIONS).bind(cell, after),
      ]);
      const page = rowsOf<JobRow>(jobResult);
      jobRows.push(...page);
      executionRows.push(...rowsOf<HeldRow>(executionResult));
      full = page.length === PAGE_JOBS;
    }
  }
}

function fenceOf(result: Result | undefined): FenceRow | null {
  const row = rowsOf<Omit<FenceRow, 'reservations'> & { reservations: string }>(result)[0];
  if (row === undefined) return null;
  // Empty in a row that is new, or that was written before there were reservations.
  const reservations = row.reservations === '' ? NO_RESERVATIONS : (JSON.parse(row.reservations) as Reservations);
  return { ...row, reservations };
}

function rowsOf<Row>(result: Result | undefined): Row[] {
  return (result?.results ?? []) as unknown[] as Row[];
}
