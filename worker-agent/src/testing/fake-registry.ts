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

/** A registry on loopback that has what `busybox:latest` has as `shoal/copy:1`, and as `shoal/foreign:1` for another platform. */
export class FakeRegistry {
  /** How long each layer is held back; Infinity never answers. */
  delayMs = 0;
  /** `name:password` that is asked for; null lets everybody in. */
  login: string | null = null;
  /** Hears that a manifest or a layer is asked for. */
  onAsked: () => void = () => {};
  readonly #server: Server;
  readonly #blobs = new Map<string, Blob>();
  /** By repository. */
  readonly #manifests = new Map<string, string>();

  private constructor(layer: Buffer) {
    this.#add('shoal/copy', 'amd64', layer);
    this.#add('shoal/foreign', 's390x', layer);
    this.#server = createServer((request, response) => {
      const wanted = this.login === null ? null : `Basic ${Buffer.from(this.login).toString('base64')}`;
      if (wanted === null || request.headers.authorization === wanted) return this.#answer(request.url ?? '', response);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="shoal"', 'content-type': 'application/json' });
      response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
    });
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
    return `${this.host}/shoal/copy:1`;
  }

  get foreignImage(): string {
    return `${this.host}/shoal/foreign:1`;
  }

  get missingImage(): string {
    return `${this.host}/shoal/missing:1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #add(repository: string, architecture: string, layer: Buffer): void {
    const gzip = gzipSync(layer);
    const config = Buffer.from(
      JSON.stringify({
        architecture,
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
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config: entry('application/vnd.docker.container.image.v1+json', config),
        layers: [entry('application/vnd.docker.image.rootfs.diff.tar.gzip', gzip)],
      }),
    );
    this.#manifests.set(repository, digest(manifest));
    this.#blobs.set(digest(manifest), { mediaType, bytes: manifest });
    for (const bytes of [config, gzip])
      this.#blobs.set(digest(bytes), { mediaType: 'application/octet-stream', bytes });
  }

  #answer(url: string, response: ServerResponse): void {
    if (url === '/v2/') return void response.end('{}');
    const [, name, reference = ''] = /^\/v2\/(.+)\/(?:manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const manifest = this.#manifests.get(name ?? '');
    const blob = manifest === undefined ? undefined : this.#blobs.get(reference === '1' ? manifest : reference);
    if (blob === undefined) {
      response.statusCode = 404;
      return void response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    }
    this.onAsked();
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
