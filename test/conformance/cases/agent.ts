import type { Case } from '../case.ts';
import { anything, text, type Pattern } from '../pattern.ts';
import { ORCHESTRATOR } from '../world.ts';

const version = {
  Major: '1',
  Minor: '9',
  GitVersion: 'v1.9.3',
  GitCommit: text,
  BuildDate: '2025-11-20T10:11:12Z',
  GOOS: 'linux',
  GOARCH: 'amd64',
};

/** The orchestrator among the nodes: its lists are null, its amounts empty. */
export const orchestratorInfo: Pattern = {
  NodeID: ORCHESTRATOR,
  NodeType: 'Requester',
  Labels: {},
  SupportedProtocols: [text],
  ComputeNodeInfo: {
    ExecutionEngines: null,
    Publishers: null,
    StorageSources: null,
    MaxCapacity: {},
    QueueCapacity: {},
    AvailableCapacity: {},
    MaxJobRequirements: {},
    RunningExecutions: 0,
    EnqueuedExecutions: 0,
    address: '',
  },
  BacalhauVersion: version,
};

export const agentCases: readonly Case[] = [
  { name: 'alive', route: 'GET /agent/alive', answer: { Status: 'OK' } },
  { name: 'version', route: 'GET /agent/version', models: { Version: '' }, answer: version },
  { name: 'this node', route: 'GET /agent/node', models: { NodeInfo: '' }, answer: orchestratorInfo },
  {
    name: 'debug shows Shoal’s own version',
    route: 'GET /agent/debug',
    answer: {
      Shoal: {
        Version: text,
        API: 'v1.9.3',
        Protocol: anything,
        NodeID: ORCHESTRATOR,
        Cell: 'cell-0',
        Mode: 'open',
        RequestsPerSecond: 0,
      },
    },
  },
  {
    name: 'config is the tree of settings',
    route: 'GET /agent/config',
    answer: {
      config: {
        API: { TLS: {}, Auth: { Methods: { ClientKey: { Type: 'challenge' } }, Oauth2: {} } },
        NameProvider: 'puuid',
        Orchestrator: {
          Enabled: true,
          Auth: {},
          TLS: {},
          Cluster: {},
          NodeManager: { DisconnectTimeout: '1m30s' },
          Scheduler: {},
          EvaluationBroker: {},
        },
        Compute: { Auth: {}, Heartbeat: { Interval: '15s' }, TLS: {}, Env: {} },
        WebUI: {},
        InputSources: { Types: {} },
        Publishers: { Types: {} },
        Engines: { Types: { Docker: {} } },
        ResultDownloaders: { Types: {} },
        JobDefaults: anything,
        JobAdmissionControl: {},
        Logging: {},
        UpdateConfig: {},
        FeatureFlags: {},
        Shoal: anything,
      },
    },
  },
  {
    name: 'authconfig has no single sign-on',
    route: 'GET /agent/authconfig',
    answer: { Version: '1.0.0', Config: {} },
  },
];
