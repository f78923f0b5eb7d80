import {
  ChangeNodeRequest,
  ChangeNodeResponse,
  GetNodeResponse,
  ListNodesResponse,
  type NodeState,
} from '../../../schema/api/node.ts';
import { badRequest, nodeNotFound, ShoalError } from '../../../schema/errors.ts';
import { NodeId } from '../../../schema/ids.ts';
import { MAX_MESSAGE_BYTES } from '../../../schema/limits.ts';
import { shown } from '../../../schema/problems.ts';
import { matchesSelector, parseSelector } from '../../../schema/selector.ts';
import { cutText } from '../../../schema/text.ts';
import { log } from '../../log.ts';
import { nodeActions, type LiveNode, type NodeAction } from '../../scheduler/rpc.ts';
import { command } from '../command.ts';
import type { Deps } from '../deps.ts';
import { nodeOrders, sortNodes } from '../node-order.ts';
import { presentNode, presentOrchestratorState } from '../present.ts';
import { ignored, labels, refusals, reverse } from './parameters.ts';
import { route, type Route } from './route.ts';

const NODES = '/api/v1/orchestrator/nodes';
/** How many ids the message about an ambiguous prefix names. */
const SHOWN_IDS = 3;

const severalNodes = 'The beginning of an id fits several nodes.';
const noNode = 'There is no such node.';

export const nodeRoutes: readonly Route[] = [
  route({
    id: 'listNodes',
    method: 'get',
    path: NODES,
    needs: 'read:node',
    tag: 'Nodes',
    summary: 'List nodes, the orchestrator among them; they are never paged, so the token is always empty',
    query: {
      limit: { type: 'uint32', description: '0 means all.' },
      order_by: {
        type: 'text',
        description: 'The id when absent; the most available comes first.',
        values: nodeOrders,
      },
      reverse,
      labels,
      'filter-approval': { type: 'text', description: 'PENDING, APPROVED or REJECTED, in any case.' },
      'filter-status': { type: 'text', description: 'CONNECTED or DISCONNECTED, in any case.' },
      filter_approval: { type: 'text', description: 'The same as `filter-approval`.' },
      filter_status: { type: 'text', description: 'The same as `filter-status`.' },
      next_token: ignored('text'),
    },
    answer: ListNodesResponse,
    errors: { 400: refusals.unreadable, 503: 'The database does not answer.' },
    example: { query: { 'filter-approval': 'approved', labels: 'os_type=linux' } },
    handle: async ({ deps, query }) => {
      const asked = query();
      const { limit } = asked;
      const selector = parseSelector(asked.labels);
      // Bacalhau reads only the spelling with a hyphen, its Python client sends the other one.
      const approval = (asked['filter-approval'] || asked.filter_approval).toUpperCase();
      const status = (asked['filter-status'] || asked.filter_status).toUpperCase();
      const wanted = (await allNodes(deps, '')).filter(
        (node) =>
          (approval === '' || node.Membership === approval) &&
          (status === '' || node.Connection === status) &&
          matchesSelector(selector, node.Info.Labels),
      );
      const sorted = sortNodes(wanted, asked.order_by, asked.reverse);
      return { NextToken: '', Nodes: limit === 0 ? sorted : sorted.slice(0, limit) };
    },
  }),
  route({
    id: 'getNode',
    method: 'get',
    path: `${NODES}/{id}`,
    needs: 'read:node',
    tag: 'Nodes',
    summary: 'Get a node by its id or the beginning of it',
    answer: GetNodeResponse,
    errors: { 404: noNode, 409: severalNodes, 503: 'The database does not answer.' },
    example: { path: { id: 'n-5e0f1d22-1111-4222-8333-444455556666' } },
    handle: async ({ deps, part }) => ({ Node: await findNode(deps, part('id')) }),
  }),
  route({
    id: 'changeNode',
    method: 'put',
    path: `${NODES}/{id}`,
    needs: 'write:node',
    tag: 'Nodes',
    summary: 'Approve, reject, delete, drain or resume a node',
    body: ChangeNodeRequest,
    answer: ChangeNodeResponse,
    errors: {
      400: refusals.unreadable,
      404: noNode,
      409: `The node is in that state already. ${severalNodes}`,
      413: refusals.large,
      503: refusals.unknownOutcome,
    },
    example: { path: { id: 'n-5e0f9999' }, body: { Action: 'approve' } },
    handle: async ({ deps, part, body }) => {
      const request = await body();
      const action = readAction(request.Action ?? '');
      // The node's id comes from the path alone.
      const { Info: info } = await findNode(deps, part('id'));
      if (info.NodeType === 'Requester') throw badRequest(`node ${info.NodeID} is the orchestrator itself`);
      await command(deps, 'changeNode', {
        commandId: deps.newId(),
        nodeId: NodeId.parse(info.NodeID),
        action,
        message: cutText(request.Message ?? '', MAX_MESSAGE_BYTES),
      });
      return { Success: true as const };
    },
  }),
];

/** @throws ShoalError 404 when no id begins so, 409 when several do and none is the text itself */
async function findNode(deps: Deps, text: string): Promise<NodeState> {
  const nodes = await allNodes(deps, text);
  const exact = nodes.find((node) => node.Info.NodeID === text);
  if (exact === undefined && nodes.length > 1) throw ambiguous(text, nodes);
  const node = exact ?? nodes[0];
  if (node === undefined) throw nodeNotFound(text);
  return node;
}

function readAction(text: string): NodeAction {
  const action = nodeActions.find((name) => name === text);
  if (action === undefined) {
    throw badRequest(`invalid action ${JSON.stringify(shown(text))}: allowed are ${nodeActions.join(', ')}`);
  }
  return action;
}

/** The nodes whose id begins with `prefix`, the orchestrator among them, in order of id. */
async function allNodes(deps: Deps, prefix: string): Promise<NodeState[]> {
  const [records, live, own] = await Promise.all([
    deps.reads.listNodes(prefix),
    liveNodes(deps),
    deps.reads.orchestratorId(),
  ]);
  const nodes = records.map((record) =>
    presentNode(record, live === null ? null : (live.get(record.id) ?? silent(record.id))),
  );
  if (own.startsWith(prefix)) nodes.push(presentOrchestratorState(own, deps.now()));
  return sortNodes(nodes, 'id', false);
}

/** Null when the Scheduler does not answer: the nodes are then shown as D1 knows them. */
async function liveNodes(deps: Deps): Promise<ReadonlyMap<string, LiveNode> | null> {
  try {
    const nodes = await deps.scheduler.liveNodes();
    return new Map(nodes.map((node) => [node.nodeId, node]));
  } catch (error) {
    log('nodes.unknown', { error: error instanceof Error ? error.message : String(error) }, 'warn');
    return null;
  }
}

/** A node that the Scheduler does not hold is not connected. */
function silent(nodeId: LiveNode['nodeId']): LiveNode {
  const available = { cpu: 0, memory: 0, disk: 0, gpu: 0 };
  return { nodeId, connected: false, lastHeard: 0, available, runningExecutions: 0 };
}

function ambiguous(prefix: string, nodes: readonly NodeState[]): ShoalError {
  const ids = nodes.slice(0, SHOWN_IDS).map((node) => node.Info.NodeID);
  const more = nodes.length > SHOWN_IDS ? ' ...' : '';
  return new ShoalError(
    'MultipleNodesFound',
    `multiple nodes found for prefix: ${prefix}, matching IDs: [${ids.join(' ')}${more}]`,
    { component: 'NodesManager', hint: 'Use a more specific node ID prefix' },
  );
}
