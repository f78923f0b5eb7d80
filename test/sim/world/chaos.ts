import type { Base } from './base.ts';
import type { Database } from './database.ts';
import type { Machine } from './machine.ts';
import type { ObjectHost } from './object-host.ts';
import type { Weather } from './weather.ts';

/** What faults act upon. */
interface Targets {
  readonly base: Base;
  readonly database: Database;
  readonly host: ObjectHost;
  readonly machines: readonly Machine[];
}

type Fault = (targets: Targets) => void;

/** Bad weather of one kind for a while. */
function storm(field: Exclude<keyof Weather, 'clear'>, least: number, most: number): Fault {
  return ({ base }) => {
    const { weather, rng, timeline } = base;
    weather[field] = least + rng.next() * (most - least);
    timeline.after(rng.int(3_000, 40_000), () => void (weather[field] = 0));
  };
}

/** Faults by name; each simulation draws some of them. */
export const faults: Readonly<Record<string, Fault>> = {
  framesLost: storm('frameLost', 0.02, 0.3),
  framesDoubled: storm('frameDoubled', 0.05, 0.5),
  framesReordered: storm('frameReordered', 0.05, 0.5),
  framesDelayed: storm('frameDelayed', 0.02, 0.3),
  dialsFail: storm('dialFails', 0.2, 0.9),
  commitsFailBefore: storm('commitFailsBefore', 0.05, 0.5),
  commitsFailAfter: storm('commitFailsAfter', 0.05, 0.5),
  commitsLate: storm('commitLate', 0.05, 0.5),
  commitsSilent: storm('commitSilent', 0.02, 0.15),
  commitsRefused: storm('commitRefused', 0.02, 0.2),
  readsFail: storm('readFails', 0.05, 0.4),
  storeSlow: storm('storeSlow', 0.05, 0.4),
  alarmsLate: storm('alarmLate', 0.1, 0.6),
  alarmsDoubled: storm('alarmDoubled', 0.2, 0.9),
  callsFail: storm('callFails', 0.1, 0.5),

  storeAway: ({ base, database }) => {
    base.fault('store goes away');
    database.awayUntil = base.timeline.now + base.rng.int(1_000, 150_000);
  },

  linkCut: (targets) => {
    const { link } = pick(targets).process ?? { link: null };
    if (link?.isOpen !== true) return;
    targets.base.fault('link cut', link.name);
    link.cut();
  },

  linkSilent: (targets) => {
    const { link } = pick(targets).process ?? { link: null };
    if (link?.isOpen !== true) return;
    targets.base.fault('link silent', link.name);
    link.silence();
  },

  partition: (targets) => {
    const { base } = targets;
    const machine = pick(targets);
    base.fault('partition', machine.nodeId);
    machine.unreachableUntil = base.timeline.now + base.rng.int(2_000, 200_000);
    machine.process?.link?.silence();
  },

  agentCrash: (targets) => crash(targets, 'agent crash', () => {}),
  agentCrashNoJournal: (targets) => crash(targets, 'agent crash, journal lost', (machine) => machine.loseJournal()),

  agentShutDown: (targets) => {
    const machine = pick(targets);
    if (machine.process === null) return;
    targets.base.fault('agent shut down', machine.nodeId);
    void machine.shutDown().then(() => startLater(targets, machine));
  },

  clockJump: (targets) => {
    const machine = pick(targets);
    targets.base.fault('clock jump', machine.nodeId);
    machine.offsetMs = targets.base.rng.int(-600_000, 600_000);
  },

  engineAway: (targets) => {
    const { base } = targets;
    const machine = pick(targets);
    base.fault('engine away', machine.nodeId);
    const until = base.timeline.now + base.rng.int(1_000, 120_000);
    machine.engineAwayUntil = Math.max(machine.engineAwayUntil, until);
    machine.setEngineReachable(false);
    base.timeline.at(until, () => {
      if (base.timeline.now >= machine.engineAwayUntil) machine.setEngineReachable(true);
    });
  },

  diskFull: (targets) => {
    const { base } = targets;
    const { disk, nodeId } = pick(targets);
    base.fault('disk full', nodeId);
    disk.full = true;
    base.timeline.after(base.rng.int(500, 20_000), () => void (disk.full = false));
  },

  objectEnds: ({ base, host }) => {
    if (host.life === null) return;
    base.fault('object ends');
    cutSome(base, host);
    host.end(host.life);
  },

  objectEndsBetweenSteps: ({ base, host }) => {
    base.fault('object ends between steps');
    host.wake().stepsLeft = base.rng.int(1, 25);
  },

  objectTwice: ({ base, host }) => {
    if (host.life === null) return;
    base.fault('object twice');
    cutSome(base, host);
    host.disown(base.rng.int(1_000, 60_000));
    // The other one loads while this one is still at work.
    if (base.rng.chance(0.7)) host.call((shell) => shell.poke()).catch(() => {});
  },

  objectClock: ({ base, host }) => {
    base.fault('object clock off');
    host.skewMs = base.rng.int(-250, 250);
  },
};

/** Draws faults over the given time, one every `everyMs` on average; then everything is well again. */
export function unleash(targets: Targets, forMs: number): void {
  const { base } = targets;
  const { rng, timeline } = base;
  const kinds = Object.entries(faults).filter(() => rng.chance(0.5));
  const everyMs = rng.int(1_500, 10_000);
  const end = timeline.now + forMs;
  const next = () => {
    const at = timeline.now + Math.round(-Math.log(1 - rng.next()) * everyMs);
    if (at >= end || kinds.length === 0) return;
    timeline.at(at, () => {
      const [name, strike] = rng.pick(kinds);
      base.totals.count(`drawn ${name}`);
      strike(targets);
      next();
    });
  };
  next();
}

/** Ends all faults. What they left behind has to mend by itself. */
export function heal({ base, database, host, machines }: Targets): void {
  base.isHealed = true;
  base.weather.clear();
  database.awayUntil = 0;
  host.skewMs = 0;
  host.makeAlarmPunctual();
  if (host.life !== null) host.life.stepsLeft = Infinity;
  for (const zombie of host.zombies) host.end(zombie);
  for (const machine of machines) {
    machine.unreachableUntil = 0;
    machine.engineAwayUntil = 0;
    machine.setEngineReachable(true);
    machine.disk.full = false;
    machine.start();
  }
  base.trace.line('all is well again');
}

function pick({ base, machines }: Targets): Machine {
  return base.rng.pick(machines);
}

function crash(targets: Targets, kind: string, then: (machine: Machine) => void): void {
  const machine = pick(targets);
  if (machine.process === null) return;
  targets.base.fault(kind, machine.nodeId);
  machine.crash();
  then(machine);
  startLater(targets, machine);
}

function startLater({ base }: Targets, machine: Machine): void {
  const ms = base.isHealed || base.rng.chance(0.7) ? base.rng.int(0, 5_000) : base.rng.int(5_000, 180_000);
  base.timeline.after(ms, () => machine.start());
}

/** When an object goes its sockets may go with it. */
function cutSome({ rng }: Base, { sockets }: ObjectHost): void {
  if (rng.chance(0.6)) return;
  for (const socket of sockets) if (rng.chance(0.7)) socket.cut();
}
