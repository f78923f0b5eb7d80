import type { Hono } from 'hono';
import {
  ChangeNodeRequest,
  type ChangeNodeResponse,
  type GetNodeResponse,
  type ListNodesResponse,
  type NodeState,
} from '../../../schema/api/node.ts';
import { badRequest, nodeNotFound, ShoalError } from '../../../schema/errors.ts';
import { NodeId } from '../../../schema/ids.ts';
import { bind } from '../../../schema/job/bind.ts';
import { MAX_MESSAGE_BYTES } from '../../../schema/limits.ts';
import { shown } from '../../../schema/problems.ts';
import { matchesSelector, parseSelector } from '../../../schema/selector.ts';
import { cutText } from '../../../schema/text.ts';
import { log } from '../../log.ts';
import { nodeActions, type LiveNode, type NodeAction } from '../../scheduler/rpc.ts';
import { readJsonBody } from '../body.ts';
import { command } from '../command.ts';
import type { Ctx, Deps, HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';
import { sortNodes } from '../node-order.ts';
import { presentNode, presentOrchestratorState } from '../present.ts';
import { MAX_UINT32, Query } from '../query.ts';

const NODES = '/api/v1/orchestrator/nodes';
/** How many ids the message about an ambiguous prefix names. */
const SHOWN_IDS = 3;

export function addNodeRoutes(app: Hono<HttpEnv>, deps: Deps): void {
  app.get(NODES, (c) => listNodes(c, deps));
  app.get(`${NODES}/:id`, (c) => getNode(c, deps, c.req.param('id')));
  app.put(`${NODES}/:id`, (c) => changeNode(c, deps, c.req.param('id')));
}

/** Nodes are never paged; the key is `Nodes`, and the token always empty. */
async function listNodes(c: Ctx, deps: Deps): Promise<Response> {
  const query = new Query(c);
  const limit = query.uint('limit', MAX_UINT32);
  const reverse = query.bool('reverse');
  const labels = parseSelector(query.all('labels'));
  // Bacalhau reads only the spelling with a hyphen, its Python client sends the other one.
  const approval = (query.text('filter-approval') || query.text('filter_approval')).toUpperCase();
  const status = (query.text('filter-status') || query.text('filter_status')).toUpperCase();
  const wanted = (await allNodes(deps, '')).filter(
    (node) =>
      (approval === '' || node.Membership === approval) &&
      (status === '' || node.Connection === status) &&
      matchesSelector(labels, node.Info.Labels),
  );
  const sorted = sortNodes(wanted, query.text('order_by'), reverse);
  return answer(c, { NextToken: '', Nodes: limit === 0 ? sorted : sorted.slice(0, limit) } satisfies ListNodesResponse);
}

/** A node by its id or by what only its id begins with. */
async function getNode(c: Ctx, deps: Deps, text: string): Promise<Response> {
  return answer(c, { Node: await findNode(deps, text) } satisfies GetNodeResponse);
}

/** @throws ShoalError 404 when no id begins so, 409 when several do and none is the text itself */
async function findNode(deps: Deps, text: string): Promise<NodeState> {
  const nodes = await allNodes(deps, text);
  const exact = nodes.find((node) => node.Info.NodeID === text);
  if (exact === undefined && nodes.length > 1) throw ambiguous(text, nodes);
  const node = exact ?? nodes[0];
  if (node === undefined) throw nodeNotFound(text);
  return node;
}

/** Approves, rejects or deletes a node. Its id comes from the path alone. */
async function changeNode(c: Ctx, deps: Deps, text: string): Promise<Response> {
  const body = bind(ChangeNodeRequest, (await readJsonBody(c)) ?? {});
  const action = readAction(body.Action ?? '');
  const { Info: info } = await findNode(deps, text);
  if (info.NodeType === 'Requester') throw badRequest(`node ${info.NodeID} is the orchestrator itself`);
  const fields = {
    commandId: deps.newId(),
    nodeId: NodeId.parse(info.NodeID),
    action,
    message: cutText(body.Message ?? '', MAX_MESSAGE_BYTES),
  };
  await command(deps, 'changeNode', fields);
  return answer(c, { Success: true } satisfies ChangeNodeResponse);
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
