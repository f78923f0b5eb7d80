import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way from agents to the Worker that can be cut, and closed for good. */
export class Cuttable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isOpen = true;

  private constructor(port: () => number) {
    this.#server = createServer((near) => {
      if (!this.#isOpen) return void near.destroy();
      const far = connect({ host: '127.0.0.1', port: port() });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }

  /** @param port of the Worker, asked for with every connection */
  static async start(port: () => number): Promise<Cuttable> {
    const made = new Cuttable(port);
    await new Promise<void>((resolve) => void made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks all connections; new ones are let through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nobody gets through any more. */
  shut(): void {
    this.#isOpen = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
