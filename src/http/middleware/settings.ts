import type { MiddlewareHandler } from 'hono';
import { ShoalError } from '../../../schema/errors.ts';
import type { Access, HttpEnv } from '../deps.ts';

/** Serves nothing but `alive` and its like while a setting cannot be read: nobody knows what its owner meant by it. */
export function readableSettings({ problems }: Access): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const isAboutItself = c.get('reached').needs === 'nobody' && c.req.path.startsWith('/api/v1/agent/');
    if (problems.length === 0 || isAboutItself) return next();
    throw new ShoalError('ServiceUnavailable', `a setting cannot be read: ${problems.join('; ')}`, {
      component: 'APIServer',
      hint: 'Correct the variable and start again.',
    });
  };
}
