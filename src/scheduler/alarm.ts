import type { EpochMs } from '../../schema/ids.ts';
import { LEASE_MS } from '../../schema/limits.ts';
import { readAttachment } from './attachment.ts';
import type { ObjectContext } from './runtime.ts';
import { lastHeartbeat } from './sockets.ts';

/** Under this key the object keeps what its alarm is about, so that it can answer a lease without loading anything. */
const KEY = 'alarm';

interface Armed {
  /** When it is due by the last turn that went well; null when nothing is. */
  readonly at: EpochMs | null;
  /** The earliest deadline that is about more than a lease; null when there is none. */
  readonly besidesLeases: EpochMs | null;
}

/** Sets the object's alarm together with what it is about; null takes it back, so that an idle object sleeps. */
export async function armAlarm(ctx: ObjectContext, at: EpochMs | null, besidesLeases: EpochMs | null): Promise<void> {
  const armed: Armed = { at, besidesLeases };
  await Promise.all([ctx.storage.put(KEY, armed), at === null ? ctx.storage.deleteAlarm() : ctx.storage.setAlarm(at)]);
}

/** Lets an alarm that could not be served come again. When it was due stays written down. */
export async function retryAlarm(ctx: ObjectContext, at: EpochMs): Promise<void> {
  const armed: Armed = { at: await plannedAlarm(ctx).then((planned) => planned ?? at), besidesLeases: at };
  await Promise.all([ctx.storage.put(KEY, armed), ctx.storage.setAlarm(at)]);
}

/** When the alarm was due by the last turn that went well: null when nothing was, undefined when that is not known. */
export async function plannedAlarm(ctx: ObjectContext): Promise<EpochMs | null | undefined> {
  return (await ctx.storage.get<Armed>(KEY))?.at;
}

/**
 * Looks whether a wake-up that seems overdue is none, while nothing is loaded: the object's own alarm is ahead, or it was
 * about leases alone, which hold. False when nothing at all is planned: then the fence row says otherwise, and is wrong.
 */
export async function owesNothingYet(ctx: ObjectContext, now: EpochMs): Promise<boolean> {
  const planned = await plannedAlarm(ctx);
  if (planned === undefined || planned === null) return false;
  return planned > now || passLeaseAlarm(ctx, now);
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
  await armAlarm(ctx, next === Infinity ? null : next, armed.besidesLeases);
  return true;
}
