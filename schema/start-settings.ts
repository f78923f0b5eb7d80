import { z } from 'zod';
import { told } from './setting.ts';

function wholeNumber({ min, max }: { readonly min: number; readonly max: number }) {
  const says = `a whole number from ${min} to ${max}`;
  return z.string().regex(/^\d+$/, says).transform(Number).pipe(z.number().min(min, says).max(max, says));
}

const Secret = z.string().min(1, 'a text');

/** The settings of `npm start` itself, beside those that it hands on to the Worker. */
export const startSettings = z.object({
  port: wholeNumber({ min: 1, max: 65_535 }).register(told, {
    variable: 'SHOAL_PORT',
    help: 'The port at which the installation listens.',
    byDefault: '1234',
  }),
  host: z
    .string()
    .regex(/^[0-9a-zA-Z.:-]+$/, 'an address of this machine, such as 0.0.0.0')
    .register(told, {
      variable: 'SHOAL_HOST',
      help: 'The address at which it listens; another than 127.0.0.1 only with SHOAL_AUTH=required.',
      byDefault: '127.0.0.1',
    }),
  state: z.string().register(told, {
    variable: 'SHOAL_STATE',
    help: 'The folder in which everything is kept.',
    byDefault: '.shoal',
  }),
  docker: z.enum(['on', 'off'], 'on or off').register(told, {
    variable: 'SHOAL_DOCKER',
    help: '`off`: Docker is neither looked for nor installed.',
    byDefault: 'on',
  }),
  adminToken: Secret.clone().register(told, {
    variable: 'SHOAL_ADMIN_TOKEN',
    help: 'Where credentials are asked for: the first of them, which may do everything.',
    byDefault: 'made once, and kept in the state folder',
    isSecret: true,
  }),
  nodeToken: Secret.clone().register(told, {
    variable: 'SHOAL_NODE_TOKEN',
    help: 'Where credentials are asked for: what agents show when they connect.',
    byDefault: 'made once, and kept in the state folder',
    isSecret: true,
  }),
});
