import { z } from 'zod';
import { connections, memberships } from '../states.ts';
import { Amounts, NextToken, Time } from './common.ts';

export const VersionInfo = z
  .object({
    Major: z.string().describe('Of the API that is served.'),
    Minor: z.string().describe('Of the API that is served.'),
    GitVersion: z.string().describe('The release of Bacalhau whose API is served.'),
    GitCommit: z.string().describe('Of that release.'),
    BuildDate: Time,
    GOOS: z.string().describe('The operating system.'),
    GOARCH: z.string().describe('The processor.'),
  })
  .describe('The version of the API, and on what it runs.');
export type VersionInfo = z.infer<typeof VersionInfo>;

/** The lists are null on an orchestrator; `address` is lower-case. */
export const ComputeNodeInfo = z
  .object({
    ExecutionEngines: z.array(z.string()).nullable().describe('What it runs; null on the orchestrator.'),
    Publishers: z.array(z.string()).nullable().describe('Where it can put results; null on the orchestrator.'),
    StorageSources: z.array(z.string()).nullable().describe('Where it can get inputs; null on the orchestrator.'),
    MaxCapacity: Amounts.describe('All that it offers.'),
    QueueCapacity: Amounts.describe('What its queue uses: nothing.'),
    AvailableCapacity: Amounts.describe('What of it is free.'),
    MaxJobRequirements: Amounts.describe('The most that one execution may need.'),
    RunningExecutions: z.int().describe('Executions that have not ended.'),
    EnqueuedExecutions: z.int().describe('Always 0.'),
    address: z.string().describe('What the machine calls itself; empty when its agent does not say.'),
  })
  .describe('What a node offers.');

export const NodeInfo = z
  .object({
    NodeID: z.string().describe('Of the node.'),
    NodeType: z.enum(['Requester', 'Compute']).describe('The orchestrator, or a node that runs tasks.'),
    Labels: z.record(z.string(), z.string()).describe('By which jobs choose nodes.'),
    SupportedProtocols: z.array(z.string()).describe('How it is spoken with.'),
    ComputeNodeInfo,
    BacalhauVersion: VersionInfo,
  })
  .describe('What a node says about itself.');
export type NodeInfo = z.infer<typeof NodeInfo>;

export const NodeState = z
  .object({
    Info: NodeInfo,
    Membership: z.enum(memberships).describe('Whether it may run tasks.'),
    /** Bacalhau's clients do not know it. */
    Draining: z.literal(true).optional().describe('It keeps what it has and gets nothing new; left out otherwise.'),
    Connection: z.enum(connections).describe('The same as `ConnectionState.Status`, for older clients.'),
    ConnectionState: z
      .object({
        Status: z.enum(connections).describe('Whether it is connected.'),
        LastHeartbeat: Time,
        ConnectedSince: Time,
        DisconnectedSince: Time,
        LastError: z.string().optional().describe('Why it was disconnected or rejected.'),
      })
      .describe('Whether it is connected, and since when.'),
  })
  .describe('A node, and how it stands.');
export type NodeState = z.infer<typeof NodeState>;

/** `Nodes`, where every other list says `Items`. */
export const ListNodesResponse = z.object({
  NextToken,
  Nodes: z.array(NodeState).describe('In the order that was asked for.'),
});
export type ListNodesResponse = z.infer<typeof ListNodesResponse>;

export const GetNodeResponse = z.object({ Node: NodeState });
export type GetNodeResponse = z.infer<typeof GetNodeResponse>;

export const AliveResponse = z.object({ Status: z.literal('OK').describe('It lives.') });
export type AliveResponse = z.infer<typeof AliveResponse>;

export const ChangeNodeRequest = z.object({
  Action: z.string().optional().describe('`approve`, `reject`, `delete`, `drain` or `resume`.'),
  Message: z.string().optional().describe('Why; kept with a node that is rejected.'),
});

export const ChangeNodeResponse = z.object({ Success: z.literal(true).describe('It was done.') });
export type ChangeNodeResponse = z.infer<typeof ChangeNodeResponse>;
