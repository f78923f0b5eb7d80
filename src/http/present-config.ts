import type { ConfigResponse } from '../../schema/api/agent.ts';
import { durationText } from '../../schema/job/duration.ts';
import { DEFAULT_QUEUE_TIMEOUT_MS, GRACE_MS, HEARTBEAT_MS, LEASE_MS } from '../../schema/limits.ts';
import type { Access } from './deps.ts';

const REDACTED = '********';

/** The settings in Bacalhau's tree: what Shoal has of it. Of a secret only whether it is set. */
export function presentConfig(access: Access): ConfigResponse {
  const amounts = { Resources: { CPU: '500m', Memory: '512Mb' } };
  const ending = { Task: { ...amounts, Publisher: {}, Timeouts: { QueueTimeout: ms(DEFAULT_QUEUE_TIMEOUT_MS) } } };
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
        NodeManager: { DisconnectTimeout: ms(LEASE_MS + GRACE_MS) },
        Scheduler: {},
        EvaluationBroker: {},
      },
      Compute: { Auth: {}, Heartbeat: { Interval: ms(HEARTBEAT_MS) }, TLS: {}, Env: {} },
      WebUI: {},
      InputSources: { Types: {} },
      Publishers: { Types: {} },
      Engines: { Types: { Docker: {} } },
      ResultDownloaders: { Types: {} },
      JobDefaults: {
        Batch: ending,
        Ops: { Task: { ...amounts, Publisher: {}, Timeouts: {} } },
        Daemon: { Task: amounts },
        Service: { Task: amounts },
      },
      JobAdmissionControl: {},
      Logging: {},
      UpdateConfig: {},
      FeatureFlags: {},
    },
  };
}

function ms(duration: number): string {
  return durationText(duration / 1000);
}
