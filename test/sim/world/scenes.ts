import type { JobType } from '../../../schema/states.ts';
import type { MemoryStore } from '../../../src/store/memory-store.ts';
import { asks } from './asks.ts';
import type { Base } from './base.ts';
import { probe, type JobPlan } from './job-plan.ts';
import type { Rng } from './rng.ts';
import type { Users } from './users.ts';

const SECOND = 1_000;
/** How long a node is crowded, and how often somebody comes. */
const CROWDED_MS = 270 * SECOND;
const CROWD_EVERY_MS = 10 * SECOND;

/** What a scene is played with. */
interface Stage {
  readonly base: Base;
  readonly users: Users;
  readonly rows: MemoryStore;
}

/** A few nodes that the jobs of one scene are about, and the room of the smallest. */
interface Place {
  readonly names: readonly string[];
  readonly cpu: number;
}

/** What a scene is about, when it begins, and when nobody submits anything for it any more; ms of virtual time. */
interface Plot {
  readonly obstacle: Obstacle;
  readonly begins: number;
  readonly ends: number;
}

/**
 * What stands in the way of the big job of a scene: its nodes decline it, services or daemons have the room, a task that
 * lasts has it, or so many small ones come that there is never enough at once.
 */
export const obstacles = ['declined', 'endless', 'hoarded', 'crowded'] as const;
export type Obstacle = (typeof obstacles)[number];

/** A big job that has to wait long on a few nodes, while small ones come in behind it. */
export function playScene(stage: Stage, rng: Rng, { obstacle, begins, ends }: Plot): void {
  stage.base.timeline.at(begins, () => {
    const place = findPlace(stage, rng, obstacle === 'crowded' ? 1 : rng.pick([1, 1, 1, 1, 2, 3]));
    if (place === null) return;
    stage.base.totals.count(`scene ${obstacle}`);
    new Scene(stage, rng, { place, ends }).play(obstacle);
  });
}

/** Nodes that work, as a user finds them in the list. */
function findPlace({ rows }: Stage, rng: Rng, count: number): Place | null {
  const chosen = [...rows.nodes.values()]
    .filter((node) => node.membership === 'APPROVED' && node.deletedAt === 0 && !node.draining)
    .map((node) => ({ node, draw: rng.next() }))
    .sort((a, b) => a.draw - b.draw)
    .slice(0, count)
    .map(({ node }) => node);
  if (chosen.length === 0) return null;
  return { names: chosen.map(({ id }) => id), cpu: Math.min(...chosen.map(({ info }) => info.capacity.cpu)) };
}

class Scene {
  readonly #stage: Stage;
  readonly #rng: Rng;
  readonly #place: Place;
  readonly #ends: number;

  constructor(stage: Stage, rng: Rng, { place, ends }: { readonly place: Place; readonly ends: number }) {
    this.#stage = stage;
    this.#rng = rng;
    this.#place = place;
    this.#ends = ends;
  }

  play(obstacle: Obstacle): void {
    const rng = this.#rng;
    const { timeline } = this.#stage.base;
    const bigAfterMs = rng.int(1, 8) * SECOND;
    const smallAfterMs = rng.int(10, 30) * SECOND;
    if (obstacle === 'endless' || obstacle === 'hoarded') this.#block(obstacle);
    timeline.after(bigAfterMs, () => this.#wantMuch(obstacle));
    if (obstacle === 'crowded') this.#crowd();
    else timeline.after(smallAfterMs, () => this.#wantLittle(rng.int(5, 15) * SECOND));
  }

  /** Something for each node; somebody may stop it after a while. */
  #block(obstacle: 'endless' | 'hoarded'): void {
    const rng = this.#rng;
    const type: JobType = obstacle === 'hoarded' ? 'batch' : rng.chance(0.75) ? 'service' : 'daemon';
    const lasts = obstacle === 'endless' || rng.chance(0.6);
    // More than half of a node each, so that every node gets one; or small ones, wherever they go.
    const cpu = obstacle === 'hoarded' && rng.chance(0.7) ? this.#place.cpu * 0.6 : rng.pick([0.1, 0.1, 0.25]);
    const name = this.#submit({
      ...probe,
      type,
      count: type === 'daemon' ? 0 : this.#place.names.length,
      cpu,
      behaviour: lasts ? {} : { runMs: rng.int(20, 120) * SECOND },
    });
    const { timeline } = this.#stage.base;
    if (rng.chance(0.6)) timeline.after(rng.int(50, 240) * SECOND, () => this.#stop(name));
  }

  /** One big job, sometimes two; more urgent than others or not. */
  #wantMuch(obstacle: Obstacle): void {
    const rng = this.#rng;
    const ask = obstacle === 'declined' ? rng.pick(asks) : undefined;
    const count = rng.chance(0.25) ? 2 : 1;
    for (let i = 0; i < count; i++) {
      this.#submit({
        ...probe,
        count: rng.chance(0.2) ? 2 : 1,
        priority: rng.pick([0, 5, 10, 10]),
        cpu: this.#place.cpu * (ask === undefined || rng.chance(0.5) ? 1 : 0.3),
        behaviour: { runMs: rng.int(2, 20) * SECOND },
        ...(ask !== undefined && { ask }),
      });
    }
  }

  /** Small jobs, one after the other until the end. */
  #wantLittle(everyMs: number): void {
    const rng = this.#rng;
    const { timeline } = this.#stage.base;
    if (timeline.now >= this.#ends) return;
    const runMs = rng.chance(0.8) ? rng.int(1, 12) * SECOND : rng.int(20, 40) * SECOND;
    this.#submit({ ...probe, cpu: rng.pick([0.1, 0.1, 0.3, this.#place.cpu / 3]), behaviour: { runMs } });
    timeline.after(rng.int(1 * SECOND, 2 * everyMs), () => this.#wantLittle(everyMs));
  }

  /** Tasks of a third of the node each, one after the other: one or two of them run at any time. */
  #crowd(): void {
    const { timeline } = this.#stage.base;
    const plan = { ...probe, cpu: this.#place.cpu * 0.3, behaviour: { runMs: this.#rng.int(16, 20) * SECOND } };
    const until = Math.min(timeline.now + CROWDED_MS, this.#ends);
    const next = (): void => {
      if (timeline.now >= until) return;
      this.#submit(plan);
      timeline.after(CROWD_EVERY_MS, next);
    };
    next();
  }

  #submit(plan: JobPlan): string {
    const { users } = this.#stage;
    const name = `scene-${users.jobs.size + 1}`;
    const constraints = [{ Key: 'name', Operator: 'in', Values: [...this.#place.names] }];
    void users.submit(name, { ...plan, constraints });
    return name;
  }

  #stop(name: string): void {
    const { users } = this.#stage;
    const job = users.jobs.get(name);
    if (job !== undefined && this.#stage.base.timeline.now < this.#ends) void users.stop(job);
  }
}
