import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ShoalError, type ErrorShape } from '../../schema/errors.ts';
import { MAX_MESSAGE_BYTES } from '../../schema/limits.ts';
import { shorten } from '../../schema/problems.ts';
import type { Ctx } from './deps.ts';
import { answer } from './json.ts';
import { presentError } from './present.ts';

const MAX_REQUEST_ID_CHARS = 256;

/** The only place that turns an error into an answer. Errors that nobody foresaw show nothing of their cause. */
export function handleError(error: unknown, c: Ctx): Response {
  const shape = error instanceof ShoalError ? error.shape : unforeseen;
  if (shape.status >= 500) noteError(error, c);
  return answerError(c, shape);
}

export function answerError(c: Ctx, shape: ErrorShape): Response {
  if (shape.retryAfterSeconds !== undefined) c.header('Retry-After', String(shape.retryAfterSeconds));
  const status: ContentfulStatusCode = shape.status;
  const requestId = shorten(c.req.header('X-Request-Id') ?? '', MAX_REQUEST_ID_CHARS);
  // Messages name what was sent, which may be as long as a request.
  const message = shorten(shape.message, MAX_MESSAGE_BYTES);
  return answer(c, presentError({ ...shape, message }, requestId), status);
}

/** Whatever is not served, also a method that a path does not have. */
export function handleNotFound(c: Ctx): Response {
  return answerError(c, notFound);
}

const unforeseen: ErrorShape = {
  status: 500,
  code: 'InternalError',
  message: 'Internal server error',
  component: 'Unknown',
};

const notFound: ErrorShape = {
  status: 404,
  code: 'NotFound',
  message: 'The requested resource/URL was not found.',
  component: 'APIServer',
  hint: 'The server version may be older than this CLI version and does not support the endpoint yet.',
  details: {
    cli_usage:
      'If you are using the CLI, try updating your server to a newer version or check if the command is supported in your server version.',
  },
};

/** The request's own line names the error; what caused it is for operators only. */
function noteError(error: unknown, c: Ctx): void {
  const cause = error instanceof ShoalError ? error.cause : error;
  c.set('logFields', {
    ...c.get('logFields'),
    error: error instanceof Error ? error.message : String(error),
    ...(cause instanceof Error && { cause: cause.stack ?? cause.message }),
  });
}
