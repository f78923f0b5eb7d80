import { z } from 'zod';
import { NodeId } from '../../../schema/ids.ts';
import type { NodeInfo, NodeRecord } from '../../../schema/records.ts';
import { connections, memberships } from '../../../schema/states.ts';
import { endOfPrefix, type Statement } from './statement.ts';

const NodeRow = z.object({
  id: NodeId,
  cell: z.string(),
  membership: z.enum(memberships),
  connection: z.enum(connections),
  draining: z.int(),
  deleted_at: z.int(),
  info: z.string(),
  last_error: z.string(),
  connected_at: z.int(),
  disconnected_at: z.int(),
  created_at: z.int(),
  modified_at: z.int(),
});

const COLUMNS = Object.keys(NodeRow.shape).join(', ');

export function readNode(row: unknown): NodeRecord {
  const read = NodeRow.parse(row);
  return {
    id: read.id,
    cell: read.cell,
    membership: read.membership,
    connection: read.connection,
    draining: read.draining === 1,
    deletedAt: read.deleted_at,
    info: JSON.parse(read.info) as NodeInfo,
    lastError: read.last_error,
    connectedAt: read.connected_at,
    disconnectedAt: read.disconnected_at,
    createdAt: read.created_at,
    modifiedAt: read.modified_at,
  };
}

/** Nodes that were not deleted and whose id begins with `prefix`, in order of id; empty means all. */
export function nodeListStatement(prefix: string, limit: number): Statement {
  return {
    sql: `SELECT ${COLUMNS} FROM nodes WHERE id >= ?1 AND id < ?2 AND deleted_at = 0 ORDER BY id LIMIT ?3`,
    params: [prefix, endOfPrefix(prefix), limit],
  };
}
