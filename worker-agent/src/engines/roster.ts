import type { Cancel, Clock, Log } from '../ports.ts';
import type { Engine, EngineOffers } from './engine.ts';

const CHECK_MS = 15_000;

/** What one look at an engine showed. */
export interface Look {
  readonly ready: boolean;
  /** It answers and did not before, or the other way round. */
  readonly changed: boolean;
  /** How many looks there were at it before. */
  readonly earlier: number;
}

interface Seat {
  readonly engine: Engine;
  ready: boolean;
  /** Why it does not answer, as it was told last; null while it does. */
  error: string | null;
  looks: number;
  cancel: Cancel;
}

/** The engines of one agent. Each is looked at every 15 s by itself: one that hangs keeps none of the others waiting. */
export class EngineRoster {
  readonly #seats: ReadonlyMap<string, Seat>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #looked: (engine: Engine, look: Look) => void;
  #stopped = false;

  /** @param engines one of each type @param looked is told of every look until `stop` */
  constructor(
    engines: readonly Engine[],
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    looked: (engine: Engine, look: Look) => void,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#looked = looked;
    this.#seats = new Map(
      engines.map((engine) => [engine.type, { engine, ready: false, error: null, looks: 0, cancel: () => {} }]),
    );
  }

  /** Resolves after the first look at each. */
  async start(): Promise<void> {
    await Promise.all([...this.#seats.values()].map((seat) => this.#look(seat)));
  }

  /** No engine is offered any more, and none looked at. */
  stop(): void {
    this.#stopped = true;
    for (const seat of this.#seats.values()) seat.cancel();
  }

  get all(): readonly Engine[] {
    return [...this.#seats.values()].map(({ engine }) => engine);
  }

  /** Types of the engines that answer. */
  get types(): string[] {
    if (this.#stopped) return [];
    return [...this.#seats].flatMap(([type, { ready }]) => (ready ? [type] : []));
  }

  /** @param type as a task writes it, in any case */
  find(type: string): Engine | null {
    return this.#seats.get(type.toLowerCase())?.engine ?? null;
  }

  isReady(engine: Engine): boolean {
    return this.#seats.get(engine.type)?.ready === true;
  }

  /** What one of them at least can give. */
  offers(): EngineOffers {
    const all = this.all.map((engine) => engine.offers());
    return {
      isolates: all.some(({ isolates }) => isolates),
      capabilities: [...new Set(all.flatMap(({ capabilities }) => capabilities))],
      mounts: all.some(({ mounts }) => mounts),
    };
  }

  async #look(seat: Seat): Promise<void> {
    const { engine } = seat;
    const health = await engine.probe();
    if (this.#stopped) return;
    const changed = health.ready !== seat.ready;
    const error = health.ready ? null : health.error;
    if (health.ready && changed) {
      this.#log.info('engine.ready', { engine: engine.type, description: health.description });
    }
    if (!health.ready && error !== seat.error) {
      this.#log.warn('engine.missing', { engine: engine.type, error, hint: health.hint, retryMs: CHECK_MS });
    }
    seat.ready = health.ready;
    seat.error = error;
    this.#looked(engine, { ready: health.ready, changed, earlier: seat.looks });
    seat.looks += 1;
    seat.cancel = this.#clock.after(CHECK_MS, () => void this.#look(seat));
  }
}
