import { randomUUID } from 'node:crypto';
import type { EvaluationId, JobId, NodeId } from '../../schema/ids.ts';
import type { Held } from '../../schema/protocol/common.ts';
import type { Report } from '../../schema/protocol/from-agent.ts';
import type { ToAgent } from '../../schema/protocol/to-agent.ts';
import { readSettings } from '../../schema/settings.ts';
import type { Answer, StopAnswer, SubmitAnswer, SubmitJob } from '../../src/core/commands.ts';
import type { Session } from '../../src/core/world.ts';
import { Orchestrator } from '../../src/scheduler/orchestrator.ts';
import type { Ports, Settings } from '../../src/scheduler/ports.ts';
import { D1Store } from '../../src/store/d1-store.ts';
import { FakeD1 } from '../fakes/d1.ts';
import { needs } from './core.ts';

/** The real turn loop on the real SQL, with sockets that only remember what was sent. */
export class OrchestratorHarness {
  readonly db: FakeD1;
  readonly orchestrator: Orchestrator;
  readonly sent: ToAgent[] = [];
  readonly logged: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  /** What happens, one at a time, when the turn loop lets others have the thread. */
  readonly behind: (() => void)[] = [];
  alarmAt: number | null = null;
  now = 1_800_000_000_000;

  constructor(settings: Partial<Settings> = {}, db: FakeD1 = new FakeD1()) {
    this.db = db;
    const ports: Ports = {
      store: new D1Store(db),
      now: () => this.now,
      newId: () => randomUUID(),
      sleep: async (ms) => {
        this.now += ms;
        this.behind.shift()?.();
      },
      within: (promise) => promise,
      send: (_, frame) => void this.sent.push(JSON.parse(frame) as ToAgent),
      close: () => {},
      attach: () => {},
      lastHeard: () => this.now,
      survivors: () => [],
      armAlarm: async (at) => void (this.alarmAt = at),
      plannedAlarm: async () => this.alarmAt,
      log: (event, fields) => void this.logged.push({ event, fields }),
    };
    this.orchestrator = new Orchestrator(ports, {
      cell: 'cell-0',
      ...readSettings({ NODE_RETENTION_DAYS: '0' }).settings,
      ...settings,
    });
  }

  async join(name: string, holds: Held[] = []): Promise<Session> {
    const nodeId = name as NodeId;
    const session = { id: `${name}#${this.sent.length}`, nodeId, agentInstance: randomUUID(), connectedAt: this.now };
    await this.orchestrator.take(
      {
        type: 'greeting',
        greeting: {
          session: session.id,
          acceptedAt: this.now,
          holds,
          hello: {
            type: 'hello',
            protocol: 1,
            nodeId,
            agentInstance: session.agentInstance,
            agentVersion: '0',
            os: 'linux',
            arch: 'amd64',
            labels: {},
            engines: ['docker'],
            publishers: [],
            sources: [],
            capacity: { cpu: 4, memory: 1000, disk: 1000, gpu: 0 },
            holds: [],
            more: false,
          },
        },
      },
      0,
    );
    return session;
  }

  submit(more: Partial<SubmitJob> = {}): Promise<Answer<SubmitAnswer>> {
    const jobId = (more.jobId ?? `j-${randomUUID()}`) as JobId;
    const command: SubmitJob = {
      commandId: randomUUID(),
      retry: false,
      evaluationId: randomUUID() as EvaluationId,
      namespace: 'default',
      name: jobId,
      type: 'batch',
      priority: 0,
      count: 1,
      needs,
      spec: JSON.stringify(SPEC),
      labels: {},
      specHash: randomUUID(),
      force: false,
      ...more,
      jobId,
    };
    return this.orchestrator.take({ type: 'submitJob', command }, command.spec.length) as Promise<Answer<SubmitAnswer>>;
  }

  stop(jobId: JobId): Promise<Answer<StopAnswer>> {
    const command = {
      commandId: randomUUID(),
      retry: false,
      jobId,
      evaluationId: randomUUID() as EvaluationId,
      reason: '',
    };
    return this.orchestrator.take({ type: 'stopJob', command }, 0) as Promise<Answer<StopAnswer>>;
  }

  async report(session: Session, report: Report): Promise<void> {
    await this.orchestrator.take({ type: 'frame', session, frame: report }, 0);
  }

  wake(): Promise<unknown> {
    return this.orchestrator.take({ type: 'wake' }, 0);
  }

  /** The frames of one type that were sent. */
  frames<T extends ToAgent['type']>(type: T): Extract<ToAgent, { type: T }>[] {
    return this.sent.filter((frame): frame is Extract<ToAgent, { type: T }> => frame.type === type);
  }

  count(table: string, where = '1'): number {
    return Number(this.db.sqlite.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()?.['n']);
  }
}

const SPEC = {
  Name: 'x',
  Namespace: 'default',
  Type: 'batch',
  Priority: 0,
  Count: 1,
  Constraints: [],
  Meta: {},
  Labels: {},
  Tasks: [
    {
      Name: 'main',
      Engine: { Type: 'docker', Params: { Image: 'busybox' } },
      Publisher: { Type: '' },
      Resources: {},
      Network: { Type: 'None' },
      Timeouts: {},
    },
  ],
};
