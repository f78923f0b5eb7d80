import { ExecutionId, type NodeId } from '@shoal/schema/ids';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunSpec } from '@shoal/schema/protocol/to-agent';
import { z } from 'zod';
import { errorText, type Log } from '../../ports.ts';
import {
  EngineError,
  type Container,
  type ContainerNetwork,
  type Creating,
  type Ended,
  type Engine,
  type EngineHealth,
  type EngineOffers,
  type Gpu,
  type KeptRange,
  type Output,
  type Provisions,
} from '../engine.ts';
import { DockerApi } from './api.ts';
import { createBody, labels, type Wired } from './container-spec.ts';
import { asEngineError, statusOf, type Step } from './errors.ts';
import { gpuDevices } from './gpu-devices.ts';
import { findDocker } from './host.ts';
import { DockerNetworks } from './networks.ts';
import { demultiplex, readKeptSince } from './output.ts';
import { DEFAULT_PORT_RANGE, type PortRange } from './port-plan.ts';
import type { PullProgress } from './pull-progress.ts';
import { registryAuth } from './registry-auth.ts';
import { examineTask, type DockerTask } from './task.ts';
import { Switchboard } from './wiring.ts';

const Inspected = z.object({
  State: z.object({
    Status: z.string(),
    ExitCode: z.int(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
  }),
});
type State = z.infer<typeof Inspected>['State'];

const Listed = z.array(z.object({ Labels: z.record(z.string(), z.string()).nullish(), State: z.string() }));

/** What the engine needs beside Docker. */
export interface DockerOptions {
  readonly gpus?: readonly Gpu[];
  /** From which tasks get ports that name none. */
  readonly portRange?: PortRange;
  /** Ranges of the owner's network that tasks may reach all the same. */
  readonly openRanges?: readonly string[];
  /** Name servers of tasks that cannot reach the machine's own. */
  readonly dns?: readonly string[];
  /** Linux capabilities that tasks may ask for, upper case without `CAP_`. */
  readonly capabilities?: readonly string[];
  /** The node's variables, for registry credentials. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly log?: Log;
}

export const DEFAULT_DNS = ['1.1.1.1', '8.8.8.8'];
const PROGRESS_MS = 5_000;
/** 128 + SIGTERM, 128 + SIGKILL, and what Docker says of a container whose end it did not see. */
const killedExitCodes: ReadonlySet<number> = new Set([137, 143, 255]);
const silent: Log = { info: () => {}, warn: () => {}, error: () => {} };

/** Runs containers in Docker, or what speaks its API, through its socket. */
export class DockerEngine implements Engine {
  readonly type = 'docker';
  readonly #nodeId: NodeId;
  readonly #dockerHost: string | null;
  readonly #options: DockerOptions;
  readonly #log: Log;
  readonly #networks: DockerNetworks;
  readonly #switchboard: Switchboard;
  #api: DockerApi | null = null;
  #platform = '';
  #isolates = false;
  #isolationError = '';

  /** @param dockerHost as `DOCKER_HOST` has it; null looks in the usual places, at every probe until one answers */
  constructor(nodeId: NodeId, dockerHost: string | null, options: DockerOptions = {}) {
    const { gpus = [], portRange = DEFAULT_PORT_RANGE, openRanges = [], log = silent } = options;
    this.#nodeId = nodeId;
    this.#dockerHost = dockerHost;
    this.#options = options;
    this.#log = log;
    this.#networks = new DockerNetworks(nodeId, openRanges, log);
    this.#switchboard = new Switchboard(nodeId, gpus, portRange);
  }

  async probe(): Promise<EngineHealth> {
    const health = await this.#look();
    this.#isolates = health.ready && this.#api !== null && (await this.#canIsolate(this.#api));
    return health;
  }

  offers(): EngineOffers {
    const { capabilities = [] } = this.#options;
    return { isolates: this.#isolates, capabilities, mounts: this.#api?.isLocal === true };
  }

  examine(run: RunSpec): DockerTask {
    return examineTask(run, this.#options.capabilities ?? []);
  }

  async #look(): Promise<EngineHealth> {
    const found = await findDocker(this.#dockerHost);
    if (!found.ok) {
      this.#api = null;
      return { ready: false, error: found.error, hint: found.hint };
    }
    const api = this.#api ?? new DockerApi(found.options);
    this.#api = api;
    try {
      this.#platform ||= await api.platform();
    } catch (error) {
      return { ready: false, error: errorText(error), hint: '' };
    }
    return { ready: true, description: found.description };
  }

  async create(task: DockerTask, provisions: Provisions, creating: Creating): Promise<Container> {
    try {
      return await this.#create(task, provisions, creating);
    } finally {
      // Made, its labels say what it holds; not made, it holds nothing. One that Docker makes late is never started.
      this.#switchboard.takeBack(task.run.executionId);
    }
  }

  async #create(task: DockerTask, provisions: Provisions, creating: Creating): Promise<Container> {
    if (task.params === null) throw new EngineError(task.failure);
    const { run, params } = task;
    const body = createBody(run, params, { ...provisions, ...(await this.#wire(run, params.image, provisions)) });
    // Asking for the image first would cost every task a round trip; Docker says so itself when it has none.
    let made = await this.#tryCreate(run.executionId, params.image, body);
    if (made === 'imageMissing') {
      await this.#pull(params.image, creating);
      creating.signal.throwIfAborted();
      made = await this.#tryCreate(run.executionId, params.image, body);
    }
    if (made !== 'imageMissing') return made;
    throw asEngineError(
      'pull',
      params.image,
      Object.assign(new Error('no such image after it was pulled'), { statusCode: 404 }),
    );
  }

  async find(executionId: ExecutionId): Promise<Container | null> {
    const state = await this.#inspect(executionId);
    return state === null ? null : describe(executionId, state);
  }

  async start(executionId: ExecutionId): Promise<void> {
    await this.#ask('start', '', (api) => api.start(executionId));
  }

  async resume(run: RunSpec, network: ContainerNetwork): Promise<void> {
    if (network === 'http') await this.#ask('other', '', (api) => this.#networks.reopenHttp(api, run));
    // Docker brings the bridge back after a start of the machine, and nobody its rules.
    if (network === 'filtered') await this.#ask('other', '', (api) => this.#networks.ensureBridge(api));
  }

  async wait(executionId: ExecutionId): Promise<Ended> {
    await this.#ask('other', '', (api) => api.wait(executionId));
    const state = await this.#inspect(executionId);
    if (state === null || state.Status === 'removing') throw gone();
    return {
      exitCode: state.ExitCode,
      outOfMemory: state.OOMKilled,
      looksKilled: killedExitCodes.has(state.ExitCode),
    };
  }

  async stop(executionId: ExecutionId, graceMs: number): Promise<void> {
    await this.#ask('other', '', (api) => api.stop(executionId, Math.ceil(graceMs / 1000)));
  }

  async output(executionId: ExecutionId): Promise<Output> {
    return demultiplex(await this.#ask('other', '', (api) => api.attach(executionId)));
  }

  async kept(executionId: ExecutionId, { stream, ...range }: KeptRange = {}): Promise<Output> {
    const streams = { stdout: stream !== 'stderr', stderr: stream !== 'stdout' };
    return demultiplex(await this.#ask('other', '', (api) => api.logs(executionId, { ...streams, ...range })));
  }

  async keptSince(executionId: ExecutionId): Promise<number | null> {
    return this.#ask('other', '', (api) => readKeptSince(api, executionId));
  }

  async remove(executionId: ExecutionId): Promise<void> {
    await this.#ask('other', '', async (api) => {
      await api.remove(executionId);
      await this.#networks.closeHttp(api, executionId);
    });
  }

  async list(): Promise<Container[]> {
    const reply = await this.#ask('other', '', (api) => api.list(`${labels.node}=${this.#nodeId}`));
    const containers = Listed.parse(reply).flatMap((one): Container[] => {
      const id = ExecutionId.safeParse(one.Labels?.[labels.execution]);
      return id.success ? [{ executionId: id.data, state: stateOf(one.State), startedAt: null }] : [];
    });
    // A network whose container was never made, or is gone, is as much to be removed.
    const known = new Set(containers.map((one) => one.executionId));
    const networks = await this.#ask('other', '', (api) => this.#networks.list(api));
    const bare = networks.filter((id) => !known.has(id));
    return [
      ...containers,
      ...bare.map((executionId): Container => ({ executionId, state: 'created', startedAt: null })),
    ];
  }

  async close(): Promise<void> {
    await this.#ask('other', '', (api) => this.#networks.close(api));
  }

  async #canIsolate(api: DockerApi): Promise<boolean> {
    try {
      await this.#networks.check(api);
      this.#isolationError = '';
      return true;
    } catch (error) {
      const text = errorText(error);
      if (text !== this.#isolationError) {
        const hint =
          'Network types Bridge and HTTP need Linux, iptables, and an agent that runs as root beside Docker.';
        this.#log.warn('network.unfiltered', { error: text, hint });
      }
      this.#isolationError = text;
      return false;
    }
  }

  async #wire(run: RunSpec, image: string, { network }: Provisions): Promise<Wired> {
    const { dns = DEFAULT_DNS } = this.#options;
    return this.#ask('create', image, async (api) => {
      if (network === 'filtered') await this.#networks.ensureBridge(api);
      const { ports, gpus } = await this.#switchboard.give(api, run, network);
      const proxy = network === 'http' ? await this.#networks.openHttp(api, run) : null;
      const own = { filtered: this.#networks.bridgeName, http: DockerNetworks.httpName(run.executionId) };
      return {
        nodeId: this.#nodeId,
        networkName: network === 'filtered' || network === 'http' ? own[network] : null,
        proxy,
        dns: network === 'filtered' ? dns : [],
        ports,
        gpus,
        devices: gpuDevices(gpus),
      };
    });
  }

  async #tryCreate(executionId: ExecutionId, image: string, body: object): Promise<Container | 'imageMissing'> {
    try {
      await this.#ask('create', image, (api) => api.create(executionId, body, this.#platform));
      return { executionId, state: 'created', startedAt: null };
    } catch (error) {
      const status = error instanceof EngineError ? statusOf(error.cause) : null;
      if (status === 404) return 'imageMissing';
      // The name is taken: a former agent made it for this execution.
      const known = status === 409 ? await this.find(executionId) : null;
      if (known !== null) return known;
      throw error;
    }
  }

  async #pull(image: string, { signal, pulled }: Creating): Promise<void> {
    const startedAt = performance.now();
    let toldAt = startedAt;
    const onProgress = ({ currentBytes, totalBytes }: PullProgress): void => {
      if (performance.now() - toldAt < PROGRESS_MS) return;
      toldAt = performance.now();
      this.#log.info('image.pulling', { image, currentBytes, totalBytes });
    };
    try {
      const auth = await registryAuth(image, this.#options.env ?? process.env);
      await this.#ask('pull', image, (api) => api.pull(image, { signal, platform: this.#platform, auth, onProgress }));
      this.#log.info('image.pulled', { image, ms: Math.round(performance.now() - startedAt) });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      pulled(Math.round(performance.now() - startedAt));
    }
  }

  async #inspect(executionId: ExecutionId): Promise<State | null> {
    const reply = await this.#ask('other', '', (api) => api.inspect(executionId));
    return reply === null ? null : Inspected.parse(reply).State;
  }

  /** It may be back since the last probe. */
  async #findApi(): Promise<DockerApi> {
    const found = await findDocker(this.#dockerHost);
    if (!found.ok) throw new Error(found.error);
    this.#api ??= new DockerApi(found.options);
    return this.#api;
  }

  async #ask<T>(step: Step, image: string, call: (api: DockerApi) => Promise<T>): Promise<T> {
    try {
      return await call(this.#api ?? (await this.#findApi()));
    } catch (error) {
      throw asEngineError(step, image, error);
    }
  }
}

function describe(executionId: ExecutionId, state: State): Container {
  const startedAt = Date.parse(state.StartedAt);
  // Docker writes the year 1 for "not yet".
  return { executionId, state: stateOf(state.Status), startedAt: startedAt > 0 ? startedAt : null };
}

function stateOf(status: string): Container['state'] {
  if (status === 'created') return 'created';
  return status === 'exited' || status === 'dead' || status === 'removing' ? 'ended' : 'running';
}

function gone(): EngineError {
  return new EngineError(
    makeFailure('infrastructure', 'Running Execution', 'the container was removed while its task ran'),
  );
}
