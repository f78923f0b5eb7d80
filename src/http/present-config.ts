import type { ConfigResponse } from '../../schema/api/agent.ts';
import { durationText } from '../../schema/format.ts';
import { DEFAULT_CPU, DEFAULT_MEMORY } from '../../schema/job/normalise.ts';
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS } from '../../schema/limits.ts';
import { inForce } from '../../schema/settings.ts';
import type { Access } from './deps.ts';

const REDACTED = '********';

/**
 * The settings in force, in Bacalhau's tree: what Shoal has of it, and below `Shoal` each of its own by the name of its
 * variable. Of a secret only whether it is set.
 */
export function presentConfig(access: Access): ConfigResponse {
  const amounts = { Resources: { CPU: DEFAULT_CPU, Memory: DEFAULT_MEMORY } };
  const waits = { Timeouts: { QueueTimeout: durationText(access.defaultQueueTimeoutMs) } };
  const secret = (value: string | undefined) => ((value ?? '') === '' ? {} : { Token: REDACTED });
  return {
    config: {
      API: {
        TLS: {},
        Auth: {
          Methods: { ClientKey: { Type: 'challenge' } },
          ...((access.adminToken ?? '') !== '' && { Users: [{ Alias: 'admin', APIKey: REDACTED }] }),
          Oauth2: {},
        },
      },
      NameProvider: 'puuid',
      Orchestrator: {
        Enabled: true,
        Auth: secret(access.nodeToken),
        TLS: {},
        Cluster: {},
        NodeManager: {
          DisconnectTimeout: durationText(LEASE_MS + GRACE_MS),
          ...(access.manualApproval && { ManualApproval: true }),
        },
        Scheduler: {},
        EvaluationBroker: {},
      },
      Compute: { Auth: {}, Heartbeat: { Interval: durationText(HEARTBEAT_MS) }, TLS: {}, Env: {} },
      WebUI: {},
      InputSources: { Types: {} },
      Publishers: { Types: {} },
      Engines: { Types: { Docker: {} } },
      ResultDownloaders: { Types: {} },
      JobDefaults: {
        Batch: { Task: { ...amounts, Publisher: {}, ...waits } },
        Ops: { Task: { ...amounts, Publisher: {}, Timeouts: {} } },
        Daemon: { Task: amounts },
        Service: { Task: { ...amounts, ...waits } },
      },
      JobAdmissionControl: {},
      Logging: {},
      UpdateConfig: {},
      FeatureFlags: {},
      Shoal: inForce(access),
    },
  };
}
