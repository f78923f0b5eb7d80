/**
 * HTTP status of each error code; codes and statuses are Bacalhau's where Bacalhau has them.
 * @see Bacalhau pkg/bacerrors
 */
export const errorStatus = {
  BadRequest: 400,
  ValidationError: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  ResourceInUse: 409,
  ConflictJobState: 409,
  MultipleJobsFound: 409,
  MultipleNodesFound: 409,
  ConflictNodeState: 409,
  Gone: 410,
  PayloadTooLarge: 413,
  MisdirectedRequest: 421,
  InternalError: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  InsufficientStorage: 507,
} as const;
export type ErrorCode = keyof typeof errorStatus;
export type ErrorStatus = (typeof errorStatus)[ErrorCode] | 405 | 411 | 422 | 429;

/** Who noticed; shown to clients. */
export type ErrorComponent =
  | 'APIServer'
  | 'Bacalhau'
  | 'JobStore'
  | 'NodesManager'
  | 'Authorizer'
  | 'Scheduler'
  | 'Unknown';

/** What an error carries across rooms and RPC: plain data, no class. */
export interface ErrorShape {
  readonly status: ErrorStatus;
  readonly code: ErrorCode | '';
  readonly message: string;
  readonly component: ErrorComponent;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, string>>;
  /** Seconds for a `Retry-After` header. */
  readonly retryAfterSeconds?: number;
}

interface ErrorOptions {
  component?: ErrorComponent;
  /** When it differs from the status of the code. */
  status?: ErrorStatus;
  hint?: string;
  details?: Record<string, string>;
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An error that a caller must hear: a message that says what is wrong, and a hint that says what to do. */
export class ShoalError extends Error {
  override readonly name = 'ShoalError';
  readonly shape: ErrorShape;

  constructor(code: ErrorCode | '', message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.shape = {
      status: options.status ?? (code === '' ? 500 : errorStatus[code]),
      code,
      message,
      component: options.component ?? 'Bacalhau',
      ...(options.hint !== undefined && { hint: options.hint }),
      ...(options.details !== undefined && { details: options.details }),
      ...(options.retryAfterSeconds !== undefined && { retryAfterSeconds: options.retryAfterSeconds }),
    };
  }

  static from(shape: ErrorShape): ShoalError {
    return new ShoalError(shape.code, shape.message, { ...shape });
  }
}

/**
 * A request that cannot be read or does not pass validation. Bacalhau's framework answers these with code
 * `InternalError` and component `APIServer`, whatever their status; its clients show only the message.
 */
export function badRequest(message: string, status: ErrorStatus = 400, hint?: string): ShoalError {
  return new ShoalError('InternalError', message, {
    status,
    component: 'APIServer',
    ...(hint !== undefined && { hint }),
  });
}

export function jobNotFound(id: string): ShoalError {
  return new ShoalError('NotFound', `job not found: ${id}`, { component: 'JobStore' });
}

export function nodeNotFound(id: string): ShoalError {
  return new ShoalError('NotFound', `node not found: ${id}`, { component: 'NodesManager' });
}
