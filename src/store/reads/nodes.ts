import { nodes } from '../../../schema/db/tables.ts';
import type { NodeRecord } from '../../../schema/records.ts';
import { nodeFromRow, selectList, type NodeRow } from '../rows.ts';
import type { Row } from './run-batch.ts';
import { endOfPrefix, type Statement } from './statement.ts';

export function readNode(row: Row): NodeRecord {
  return nodeFromRow(row as NodeRow);
}

/** Nodes that were not deleted and whose id begins with `prefix`, in order of id; empty means all. */
export function nodeListStatement(prefix: string, limit: number): Statement {
  return {
    sql: `SELECT ${selectList(nodes, 'n')} FROM nodes AS n
      WHERE n.id >= ?1 AND n.id < ?2 AND n.deleted_at = 0 ORDER BY n.id LIMIT ?3`,
    params: [prefix, endOfPrefix(prefix), limit],
  };
}
