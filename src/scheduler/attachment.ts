import { z } from 'zod';
import { NodeId } from '../../schema/ids.ts';
import type { ObjectSocket } from './runtime.ts';

/** What a socket keeps over a hibernation; parsed on read, since an older version of the code may have written it. */
const Attachment = z.object({
  v: z.literal(1),
  session: z.string(),
  node: NodeId,
  agentInstance: z.string(),
  connectedAt: z.number(),
  /** Some execution is charged to the node: its silence must be noticed. */
  holdsWork: z.boolean(),
});
export type Attachment = Readonly<z.infer<typeof Attachment>>;

/**
 * By socket, as it was read or written last: placement asks for it once a node and job. After a hibernation the runtime
 * hands out new socket objects, which are read anew; nobody but `writeAttachment` writes.
 */
const known = new WeakMap<ObjectSocket, Attachment | null>();

/** The attachment of a socket that has been greeted, or null. */
export function readAttachment(socket: ObjectSocket): Attachment | null {
  const cached = known.get(socket);
  if (cached !== undefined) return cached;
  const read = Attachment.safeParse(socket.deserializeAttachment());
  const attachment = read.success ? read.data : null;
  known.set(socket, attachment);
  return attachment;
}

export function writeAttachment(socket: ObjectSocket, attachment: Attachment): void {
  const before = readAttachment(socket);
  const isSame = before !== null && before.session === attachment.session && before.holdsWork === attachment.holdsWork;
  if (isSame) return;
  // Should it throw, the next write tries again.
  socket.serializeAttachment(attachment);
  known.set(socket, attachment);
}
