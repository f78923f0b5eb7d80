import { z } from 'zod';
import type { EpochMs } from '../../../schema/ids.ts';
import { runBatch, type Database } from './run-batch.ts';

const Row = z.object({ id: z.string(), expires_at: z.int() });

/** Until when each of these tokens is good, by id; 0 means for ever. Revoked ones are missing. @throws 503 */
export async function findTokenExpiries<S>(
  db: Database<S>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, EpochMs>> {
  const sql = 'SELECT id, expires_at FROM credentials WHERE id IN (SELECT value FROM json_each(?1))';
  const [rows = []] = await runBatch(db, [{ sql, params: [JSON.stringify(ids)] }]);
  return new Map(rows.map((row) => Row.parse(row)).map(({ id, expires_at: until }) => [id, until]));
}
