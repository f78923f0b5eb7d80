import type { EpochMs } from '../../schema/ids.ts';
import { LEASE_MS } from '../../schema/limits.ts';
import { readAttachment } from './attachment.ts';
import type { ObjectContext } from './runtime.ts';
import { lastHeartbeat } from './sockets.ts';

/** Under this key the object keeps what its alarm is about, so that it can answer a lease without loading anything. */
const KEY = 'alarm';

interface Armed {
  /** What the alarm is set for; null when it is not. */
  readonly dueAt: EpochMs | null;
  /** The earliest deadline that is about more than a lease; null when there is none. */
  readonly besidesLeases: EpochMs | null;
}

/** Sets the object's alarm together with what it is about; null takes it back, so that an idle object sleeps. */
export async function armAlarm(ctx: ObjectContext, at: EpochMs | null, besidesLeases: EpochMs | null): Promise<void> {
  const armed: Armed = { dueAt: at, besidesLeases };
  const alarm = at === null ? ctx.storage.deleteAlarm() : ctx.storage.setAlarm(at);
  await Promise.all([ctx.storage.put(KEY, armed), alarm]);
}

/** Lets an alarm that could not be served come again; what it was due for stays known. */
export async function repeatAlarm(ctx: ObjectContext, at: EpochMs): Promise<void> {
  await ctx.storage.setAlarm(at);
}

/** What the last alarm that was set is due for, whether it has rung or not; null when there is none. */
export async function alarmDueAt(ctx: ObjectContext): Promise<EpochMs | null> {
  return (await ctx.storage.get<Armed>(KEY))?.dueAt ?? null;
}

/**
 * The cheap path of an alarm while nothing is loaded: when no other deadline is due and every node that holds work was
 * heard within its lease, only the alarm moves on.
 * @returns true when that was all there was to do
 */
export async function passLeaseAlarm(ctx: ObjectContext, now: EpochMs): Promise<boolean> {
  const armed = await ctx.storage.get<Armed>(KEY);
  if (armed === undefined || (armed.besidesLeases !== null && armed.besidesLeases <= now)) return false;
  let next = armed.besidesLeases ?? Infinity;
  for (const socket of ctx.getWebSockets()) {
    if (readAttachment(socket)?.holdsWork !== true) continue;
    const until = lastHeartbeat(ctx, socket) + LEASE_MS;
    if (until <= now) return false;
    next = Math.min(next, until);
  }
  if (next < Infinity) await armAlarm(ctx, next, armed.besidesLeases);
  return true;
}
