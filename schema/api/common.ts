import { z } from 'zod';

export const ZERO_TIME = '0001-01-01T00:00:00Z';
/** RFC 3339 with `Z`; ZERO_TIME when there is no such time. */
export const Time = z.string().describe(`RFC 3339 with \`Z\`; \`${ZERO_TIME}\` when there is no such time.`);

/** Whole bytes. */
const Bytes = z.int().optional().describe('Bytes; left out when 0.');

export const Amounts = z
  .object({
    CPU: z.number().optional().describe('Cores; left out when 0.'),
    Memory: Bytes,
    Disk: Bytes,
    GPU: z.int().optional().describe('Graphics cards; left out when 0.'),
  })
  .describe('Amounts of what nodes have.');
export type Amounts = z.infer<typeof Amounts>;

/** Empty means that there is no further page. */
export const NextToken = z.string().describe('Asks for the next page; empty when there is none.');

/** Null rather than empty. */
export const Warnings = z
  .array(z.string())
  .nullable()
  .describe('What whoever sent it may not expect; null when there is nothing.');

/** @see Bacalhau pkg/publicapi/apimodels/error.go */
export const ApiError = z
  .object({
    Status: z.int().describe('The same as of the answer.'),
    Message: z.string().describe('What is wrong.'),
    RequestID: z.string().describe('The request’s own `X-Request-Id`; empty when it had none.'),
    Code: z.string().describe('For programs: which error it is.'),
    Component: z.string().describe('Who noticed.'),
    Hint: z.string().optional().describe('What can be done.'),
    Details: z.record(z.string(), z.string()).optional().describe('More, by name.'),
  })
  .describe('Why a request was refused.');
export type ApiError = z.infer<typeof ApiError>;
