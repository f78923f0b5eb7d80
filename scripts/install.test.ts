import { expect, test } from 'vitest';
import { matchesLock } from './install.mjs';

const wanted = {
  packages: {
    '': { version: '0.1.0' },
    schema: { version: '0.1.0' },
    'node_modules/@shoal/schema': { link: true },
    'node_modules/a': { version: '1.0.0' },
    'node_modules/a-other-platform': { version: '1.0.0', optional: true },
  },
};

const link = { 'node_modules/@shoal/schema': { link: true } };

test.for([
  ['everything but what other platforms need', { ...link, 'node_modules/a': { version: '1.0.0' } }, true],
  ['a package of another version', { ...link, 'node_modules/a': { version: '0.9.0' } }, false],
  ['a missing package', { ...link }, false],
  [
    'an optional package of another version',
    { ...link, 'node_modules/a': { version: '1.0.0' }, 'node_modules/a-other-platform': { version: '2.0.0' } },
    false,
  ],
] as const)('an installation with %s', ([, packages, matches]) => {
  expect(matchesLock(wanted, { packages })).toBe(matches);
});
