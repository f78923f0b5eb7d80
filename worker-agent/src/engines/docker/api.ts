import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import Docker from 'dockerode';
import type { ExecutionId } from '@shoal/schema/ids';
import { z } from 'zod';
import { AttachedOutput } from './attach.ts';
import { answered, PullProgress } from './pull-progress.ts';
import type { RegistryAuth } from './registry-auth.ts';

type Modem = Docker['modem'];
type DialOptions = Parameters<Modem['dial']>[0];

interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly auth?: RegistryAuth | null;
  /** Statuses that are no error. */
  readonly ok: readonly number[];
}

/** Which part of a log. */
interface Wanted {
  /** Both, when nothing is said. */
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  /** Epoch ms, both included; 0 and null for all of it. */
  readonly since?: number;
  readonly until?: number | null;
  /** Each line after its time in RFC 3339 and a blank. */
  readonly timestamps?: boolean;
}

interface Pull {
  readonly signal: AbortSignal;
  readonly platform: string;
  readonly auth: RegistryAuth | null;
  readonly onProgress: (progress: PullProgress) => void;
}

const Info = z.object({ Name: z.string() });
const Version = z.object({ Os: z.string(), Arch: z.string() });

const CALL_MS = 30_000;
const WATCH_MS = 30_000;
const PULL_SILENCE_MS = 5 * 60_000;

/**
 * The few calls of Docker's Engine API that Shoal makes, through dockerode's connection. Each has a deadline or a signal;
 * errors are dockerode's, with `statusCode` where Docker answered and without where it did not.
 */
export class DockerApi {
  readonly #modem: Modem;
  readonly #socketPath: string | null;

  constructor(options: Docker.DockerOptions) {
    this.#modem = new Docker(options).modem;
    this.#socketPath = options.socketPath ?? null;
  }

  /** Docker is reached through a socket of this machine, and so sees its files. */
  get isLocal(): boolean {
    return this.#socketPath !== null;
  }

  /** @param platform `linux/amd64`; an image of another is answered as if it were not there */
  async create(name: ExecutionId, body: object, platform: string): Promise<void> {
    const query = { name, ...(platform !== '' && { platform }) };
    await this.#json({ method: 'POST', path: '/containers/create', query, body, ok: [200, 201] });
  }

  /** `linux/amd64`, as the daemon itself runs. */
  async platform(): Promise<string> {
    const { json } = await this.#json({ method: 'GET', path: '/version', ok: [200] });
    const { Os, Arch } = Version.parse(json);
    return `${Os}/${Arch}`;
  }

  /** What the machine is called that the daemon runs on. */
  async hostName(): Promise<string> {
    const { json } = await this.#json({ method: 'GET', path: '/info', ok: [200] });
    return Info.parse(json).Name;
  }

  async ping(): Promise<void> {
    await readAll(await this.#dial({ method: 'GET', path: '/_ping', signal: AbortSignal.timeout(CALL_MS), ok: [200] }));
  }

  /** A network of that name is left as it is. */
  async createNetwork(body: object): Promise<void> {
    await this.#json({ method: 'POST', path: '/networks/create', body, ok: [201, 409] });
  }

  async inspectNetwork(name: string): Promise<unknown> {
    const reply = await this.#json({ method: 'GET', path: `/networks/${name}`, ok: [200, 404] });
    return reply.status === 404 ? null : reply.json;
  }

  async removeNetwork(name: string): Promise<void> {
    await this.#json({ method: 'DELETE', path: `/networks/${name}`, ok: [204, 404] });
  }

  async listNetworks(label: string): Promise<unknown> {
    const filters = JSON.stringify({ label: [label] });
    return (await this.#json({ method: 'GET', path: '/networks', query: { filters }, ok: [200] })).json;
  }

  /** Docker's description of a container, or null when there is none. */
  async inspect(name: ExecutionId): Promise<unknown> {
    const reply = await this.#json({ method: 'GET', path: `/containers/${name}/json`, ok: [200, 404] });
    return reply.status === 404 ? null : reply.json;
  }

  async start(name: ExecutionId): Promise<void> {
    await this.#json({ method: 'POST', path: `/containers/${name}/start`, ok: [204, 304] });
  }

  /**
   * Resolves when the container does not run any more. No deadline: rejects when the connection breaks, and when the
   * daemon is silent. One that hangs holds its connections open, so it is asked now and then whether it is still there.
   */
  async wait(name: ExecutionId): Promise<void> {
    const hung = new AbortController();
    const watch = setInterval(() => void this.ping().catch((error: unknown) => hung.abort(error)), WATCH_MS);
    try {
      const { signal } = hung;
      await readAll(await this.#dial({ method: 'POST', path: `/containers/${name}/wait`, signal, ok: [200] }));
    } finally {
      clearInterval(watch);
    }
  }

  async stop(name: ExecutionId, graceSeconds: number): Promise<void> {
    const signal = AbortSignal.timeout(graceSeconds * 1000 + CALL_MS);
    await this.#json({
      method: 'POST',
      path: `/containers/${name}/stop`,
      query: { t: graceSeconds },
      signal,
      ok: [204, 304, 404],
    });
  }

  async remove(name: ExecutionId): Promise<void> {
    // 409: somebody else is removing it already.
    await this.#json({
      method: 'DELETE',
      path: `/containers/${name}`,
      query: { force: true, v: true },
      ok: [204, 404, 409],
    });
  }

  /** All containers with a label `name=value`, running or not. */
  async list(label: string): Promise<unknown> {
    const filters = JSON.stringify({ label: [label] });
    return (await this.#json({ method: 'GET', path: '/containers/json', query: { all: true, filters }, ok: [200] }))
      .json;
  }

  /** Both streams of a container as they are written, multiplexed. Ends with the container. */
  async attach(name: ExecutionId): Promise<AsyncIterable<Uint8Array>> {
    const query = { stream: true, stdout: true, stderr: true };
    const path = `/containers/${name}/attach`;
    const direct =
      this.#socketPath !== null &&
      (await AttachedOutput.open(
        this.#socketPath,
        `${path}?stream=true&stdout=true&stderr=true`,
        AbortSignal.timeout(CALL_MS),
      ));
    return direct || this.#dial({ method: 'POST', path, query, ok: [200] });
  }

  /** What Docker has kept of the output, multiplexed. The caller reads as much as it wants and destroys it. */
  async logs(name: ExecutionId, wanted: Wanted, signal?: AbortSignal): Promise<IncomingMessage> {
    const { stdout = true, stderr = true, timestamps = false, since = 0, until = null } = wanted;
    const query = {
      ...{ stdout, stderr, timestamps },
      ...(since > 0 && { since: (since / 1000).toFixed(3) }),
      ...(until !== null && { until: (until / 1000).toFixed(3) }),
    };
    const path = `/containers/${name}/logs`;
    return this.#dial({ method: 'GET', path, query, ok: [200], ...(signal !== undefined && { signal }) });
  }

  /** Gets an image. Ends with an error when nothing is heard of it for five minutes. */
  async pull(image: string, { signal, platform, auth, onProgress }: Pull): Promise<void> {
    const query = { fromImage: image, platform, ...(hasTag(image) ? {} : { tag: 'latest' }) };
    const response = await this.#dial({ method: 'POST', path: '/images/create', query, signal, auth, ok: [200] });
    response.setTimeout(PULL_SILENCE_MS, () => response.destroy(answered('no progress for five minutes')));
    const progress = new PullProgress();
    let rest = '';
    for await (const chunk of response) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) progress.take(line);
      onProgress(progress);
    }
    progress.take(rest);
  }

  async #json(call: Call): Promise<{ status: number; json: unknown }> {
    const response = await this.#dial({ signal: AbortSignal.timeout(CALL_MS), ...call });
    const text = await readAll(response);
    return { status: response.statusCode ?? 0, json: text === '' ? null : JSON.parse(text) };
  }

  #dial({ method, path, query = {}, body = {}, signal, auth, ok }: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options: DialOptions = {
        method,
        // The modem writes the query after a question mark that is there, and removes one without a query.
        path: `${path}?`,
        options: { _query: query, _body: body },
        statusCodes: Object.fromEntries(ok.map((status) => [status, true])),
        isStream: true,
        ...(auth !== undefined && auth !== null && { authconfig: { ...auth } }),
        ...(signal !== undefined && { abortSignal: signal }),
      };
      this.#modem.dial(options, (error, result) => {
        if (error !== null) reject(error);
        else resolve(result as IncomingMessage);
      });
    });
  }
}

/** An answer that breaks off rejects; dockerode's own reading would wait for its end for ever. */
async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

function hasTag(image: string): boolean {
  return image.includes('@') || image.slice(image.lastIndexOf('/') + 1).includes(':');
}
