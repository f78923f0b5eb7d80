import type { EpochMs } from '../../../schema/ids.ts';
import { runBatch, type Database } from './run-batch.ts';

/** Until when each of these tokens is good, by id; 0 means for ever. Revoked ones are missing. @throws 503 */
export async function findTokenExpiries<S>(
  db: Database<S>,
  ids: readonly string[],
): Promise<ReadonlyMap<string, EpochMs>> {
  const sql = 'SELECT id, expires_at AS until FROM credentials WHERE id IN (SELECT value FROM json_each(?1))';
  const [rows = []] = await runBatch(db, [{ sql, params: [JSON.stringify(ids)] }]);
  return new Map((rows as readonly { id: string; until: EpochMs }[]).map(({ id, until }) => [id, until]));
}
