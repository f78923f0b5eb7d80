import { z } from 'zod';

/** RFC 3339 with `Z`; `0001-01-01T00:00:00Z` when there is no such time. */
export const Time = z.string();
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** Amounts; each is left out when it is 0. */
export const Amounts = z.object({
  /** Cores. */
  CPU: z.number().optional(),
  /** Bytes. */
  Memory: z.int().optional(),
  /** Bytes. */
  Disk: z.int().optional(),
  GPU: z.int().optional(),
});
export type Amounts = z.infer<typeof Amounts>;

/** Empty means that there is no further page. */
export const NextToken = z.string();

/** @see Bacalhau pkg/publicapi/apimodels/error.go */
export const ApiError = z.object({
  Status: z.int(),
  Message: z.string(),
  /** The request's own `X-Request-Id`, empty when it had none. */
  RequestID: z.string(),
  Code: z.string(),
  Component: z.string(),
  Hint: z.string().optional(),
  Details: z.record(z.string(), z.string()).optional(),
});
export type ApiError = z.infer<typeof ApiError>;
