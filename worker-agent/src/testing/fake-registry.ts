import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type Docker from 'dockerode';

interface Blob {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** A registry on loopback that has one image, `shoal/copy:1`: what `busybox:latest` has, so that it can be pulled. */
export class FakeRegistry {
  /** How long each layer is held back; Infinity never answers. */
  delayMs = 0;
  readonly #server: Server;
  readonly #blobs = new Map<string, Blob>();
  readonly #manifest: string;

  private constructor(layer: Buffer) {
    const gzip = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Env: ['PATH=/bin'] },
        rootfs: { type: 'layers', diff_ids: [digest(layer)] },
      }),
    );
    const entry = (mediaType: string, bytes: Buffer): object => ({
      mediaType,
      size: bytes.length,
      digest: digest(bytes),
    });
    const types = 'application/vnd.docker.distribution.manifest.v2+json';
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: types,
        config: entry('application/vnd.docker.container.image.v1+json', config),
        layers: [entry('application/vnd.docker.image.rootfs.diff.tar.gzip', gzip)],
      }),
    );
    this.#manifest = digest(manifest);
    this.#blobs.set(this.#manifest, { mediaType: types, bytes: manifest });
    for (const bytes of [config, gzip])
      this.#blobs.set(digest(bytes), { mediaType: 'application/octet-stream', bytes });
    this.#server = createServer((request, response) => this.#answer(request.url ?? '', response));
  }

  static async start(docker: Docker): Promise<FakeRegistry> {
    const container = await docker.createContainer({ Image: 'busybox:latest', Cmd: ['true'] });
    const layer = await buffer(await container.export());
    await container.remove();
    const registry = new FakeRegistry(layer);
    registry.#server.listen(0, '127.0.0.1');
    await once(registry.#server, 'listening');
    return registry;
  }

  get image(): string {
    return `${this.#host}/shoal/copy:1`;
  }

  get missingImage(): string {
    return `${this.#host}/shoal/missing:1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get #host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #answer(url: string, response: ServerResponse): void {
    if (url === '/v2/') return void response.end('{}');
    const [, name, reference = ''] = /^\/v2\/(.+)\/(?:manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const blob = name === 'shoal/copy' ? this.#blobs.get(reference === '1' ? this.#manifest : reference) : undefined;
    if (blob === undefined) {
      response.statusCode = 404;
      return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    }
    response.setHeader('content-type', blob.mediaType);
    response.setHeader('content-length', blob.bytes.length);
    response.setHeader('docker-content-digest', digest(blob.bytes));
    if (this.delayMs === Infinity) return;
    const delayMs = url.includes('/blobs/') ? this.delayMs : 0;
    setTimeout(() => response.end(blob.bytes), delayMs);
  }
}

function digest(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
