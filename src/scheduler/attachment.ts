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
export type Attachment = z.infer<typeof Attachment>;

/** The attachment of a socket that has been greeted, or null. */
export function readAttachment(socket: ObjectSocket): Attachment | null {
  const read = Attachment.safeParse(socket.deserializeAttachment());
  return read.success ? read.data : null;
}

export function writeAttachment(socket: ObjectSocket, attachment: Attachment): void {
  const before = readAttachment(socket);
  const isSame = before !== null && before.session === attachment.session && before.holdsWork === attachment.holdsWork;
  if (!isSame) socket.serializeAttachment(attachment);
}
