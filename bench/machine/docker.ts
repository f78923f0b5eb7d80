import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { addressOf } from '../../cli/src/up/docker/api.ts';
import { sampleImage } from '../../cli/src/up/docker/image.ts';

const CALL_MS = 60_000;

/** The Engine API bare: what a job costs where nothing is around it. */
export class BareEngine {
  readonly #dockerHost: string;

  constructor(dockerHost: string) {
    this.#dockerHost = dockerHost;
  }

  /** Creates, starts and waits; the container is removed off the path. @returns the promise of its removal */
  async run(
    command: readonly string[],
    host: Readonly<Record<string, unknown>> = {},
  ): Promise<{ removed: Promise<unknown> }> {
    const id = await this.start(command, host);
    await this.call('POST', `/containers/${id}/wait`);
    return { removed: this.call('DELETE', `/containers/${id}?force=true&v=true`) };
  }

  /** @returns the container's id */
  async start(command: readonly string[], host: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const spec = { Image: sampleImage, Cmd: command, HostConfig: { NetworkMode: 'none', ...host } };
    const { Id } = JSON.parse(await this.call('POST', '/containers/create', spec)) as { Id: string };
    await this.call('POST', `/containers/${Id}/start`);
    return Id;
  }

  /** @throws Error for an answer of 400 or more */
  call(method: string, path: string, body?: unknown): Promise<string> {
    const address = addressOf(this.#dockerHost);
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const options = { ...address, method, path, headers, signal: AbortSignal.timeout(CALL_MS) };
      const sent = request(options, (answer) => {
        let said = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (said += chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          if ((answer.statusCode ?? 500) < 400) resolve(said);
          else reject(new Error(`Docker: ${method} ${path}: ${answer.statusCode} ${said}`));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

/**
 * `docker run --rm` of the same image, to its end.
 * @returns false when there is no such program
 */
export function dockerRun(dockerHost: string, command: readonly string[]): Promise<boolean> {
  const args = ['run', '--rm', '--network', 'none', sampleImage, ...command];
  const child = spawn('docker', args, { stdio: 'ignore', env: { ...process.env, DOCKER_HOST: dockerHost } });
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(false) : reject(error)));
    child.once('exit', (code) => (code === 0 ? resolve(true) : reject(new Error(`docker run ended with ${code}`))));
  });
}
