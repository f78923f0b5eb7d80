import { z } from 'zod';
import { connections, memberships } from '../states.ts';
import { Amounts, NextToken, Time } from './common.ts';

export const VersionInfo = z.object({
  Major: z.string(),
  Minor: z.string(),
  GitVersion: z.string(),
  GitCommit: z.string(),
  BuildDate: Time,
  GOOS: z.string(),
  GOARCH: z.string(),
});
export type VersionInfo = z.infer<typeof VersionInfo>;

/** The lists are null on an orchestrator; `address` is lower-case, and `QueueCapacity` is what the queue uses. */
export const ComputeNodeInfo = z.object({
  ExecutionEngines: z.array(z.string()).nullable(),
  Publishers: z.array(z.string()).nullable(),
  StorageSources: z.array(z.string()).nullable(),
  MaxCapacity: Amounts,
  QueueCapacity: Amounts,
  AvailableCapacity: Amounts,
  MaxJobRequirements: Amounts,
  RunningExecutions: z.int(),
  EnqueuedExecutions: z.int(),
  /** What the machine calls itself; empty when its agent does not say. */
  address: z.string(),
});

export const NodeInfo = z.object({
  NodeID: z.string(),
  NodeType: z.enum(['Requester', 'Compute']),
  Labels: z.record(z.string(), z.string()),
  SupportedProtocols: z.array(z.string()),
  ComputeNodeInfo,
  BacalhauVersion: VersionInfo,
});
export type NodeInfo = z.infer<typeof NodeInfo>;

export const NodeState = z.object({
  Info: NodeInfo,
  Membership: z.enum(memberships),
  /** It keeps what it has and gets nothing new; absent otherwise. Bacalhau's clients do not know it. */
  Draining: z.literal(true).optional(),
  /** The same as `ConnectionState.Status`, for older clients. */
  Connection: z.enum(connections),
  ConnectionState: z.object({
    Status: z.enum(connections),
    LastHeartbeat: Time,
    ConnectedSince: Time,
    DisconnectedSince: Time,
    LastError: z.string().optional(),
  }),
});
export type NodeState = z.infer<typeof NodeState>;

/** `Nodes`, where every other list says `Items`. */
export const ListNodesResponse = z.object({ NextToken, Nodes: z.array(NodeState) });
export type ListNodesResponse = z.infer<typeof ListNodesResponse>;

export const GetNodeResponse = z.object({ Node: NodeState });
export type GetNodeResponse = z.infer<typeof GetNodeResponse>;

export const AliveResponse = z.object({ Status: z.literal('OK') });
export type AliveResponse = z.infer<typeof AliveResponse>;

export const ChangeNodeRequest = z.object({ Action: z.string().optional(), Message: z.string().optional() });

export const ChangeNodeResponse = z.object({ Success: z.literal(true) });
export type ChangeNodeResponse = z.infer<typeof ChangeNodeResponse>;
