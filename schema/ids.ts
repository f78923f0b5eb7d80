import { z } from 'zod';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** `j-<uuid>`; service and daemon jobs may keep an id chosen by their user, so any text without blanks is taken. */
export const JobId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\s\0]+$/, 'a job id without blanks')
  .brand<'JobId'>();
export type JobId = z.infer<typeof JobId>;

/** `e-<uuid>`: also the name of the execution's container. */
export const ExecutionId = z
  .string()
  .regex(new RegExp(`^e-${UUID}$`), 'an execution id such as e-<uuid>')
  .brand<'ExecutionId'>();
export type ExecutionId = z.infer<typeof ExecutionId>;

/** `n-<uuid>` by default; an operator may choose any name of letters, digits, `_` and `-`. */
export const NodeId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, 'a node id of 1 to 128 letters, digits, _ or -')
  .brand<'NodeId'>();
export type NodeId = z.infer<typeof NodeId>;

/** A bare uuid, as the API answers it. */
export const EvaluationId = z.string().min(1).max(64).brand<'EvaluationId'>();
export type EvaluationId = z.infer<typeof EvaluationId>;

/** The part of an installation that one Scheduler owns. There is one today. */
export const DEFAULT_CELL = 'cell-0';

/** The namespace of whoever names none. */
export const DEFAULT_NAMESPACE = 'default';

/** Milliseconds since the Unix epoch: clocks and deadlines. */
export type EpochMs = number;

/**
 * Microseconds since the Unix epoch: the times of rows. Handed out by the Scheduler, strictly increasing within a cell,
 * so they order rows without ties; exact in a JavaScript number until the year 2255.
 */
export type EpochUs = number;

const WHOLE = new RegExp(`^([a-z]-)?${UUID}$`);

/** Whether a text is a whole id that was made here, with or without its letter. */
export function isWholeId(text: string): boolean {
  return WHOLE.test(text);
}

/** The form shown to people: prefix and the first eight characters of the uuid; other names are left whole. */
export function shortId(id: string): string {
  if (!isWholeId(id)) return id;
  return id.slice(0, id[1] === '-' ? 10 : 8);
}
