import type { Publisher } from './publisher.ts';

/** Publishes nothing. @see Bacalhau pkg/publisher/noop */
export const noop: Publisher = {
  type: 'noop',
  collects: false,
  examine: () => null,
  publish: async () => {},
};
