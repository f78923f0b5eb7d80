import { describe, test } from 'vitest';
import { asEngineError, networkError, type Step } from './errors.ts';

/** As docker-modem throws them. */
function refused(statusCode: number, text: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${text} `), { statusCode });
}

const cases: { step: Step; error: Error; kind: string; message: string }[] = [
  {
    step: 'pull',
    error: refused(404, "pull access denied for x, repository does not exist or may require 'docker login'"),
    kind: 'permanent',
    message: 'image not available: "x"',
  },
  {
    step: 'pull',
    error: refused(404, 'manifest for x:1 not found: manifest unknown'),
    kind: 'permanent',
    message: 'image not available: "x"',
  },
  {
    step: 'pull',
    error: refused(500, 'unauthorized: authentication required'),
    kind: 'environment',
    message: 'cannot pull image "x": unauthorized: authentication required',
  },
  {
    step: 'pull',
    error: refused(500, 'no matching manifest for linux/arm64 in the manifest list entries'),
    kind: 'environment',
    message: 'cannot pull image "x": no matching manifest for linux/arm64 in the manifest list entries',
  },
  {
    step: 'pull',
    error: refused(400, 'invalid reference format'),
    kind: 'permanent',
    message: 'invalid image format: "x"',
  },
  {
    step: 'create',
    error: refused(400, 'invalid reference format: repository name must be lowercase'),
    kind: 'permanent',
    message: 'invalid image format: "x"',
  },
  {
    step: 'pull',
    error: refused(500, 'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host'),
    kind: 'environment',
    message:
      'cannot pull image "x": Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
  },
  {
    step: 'pull',
    error: refused(500, 'context deadline exceeded'),
    kind: 'environment',
    message: 'cannot pull image "x": context deadline exceeded',
  },
  {
    step: 'pull',
    error: refused(500, 'toomanyrequests: access denied until later'),
    kind: 'environment',
    message: 'cannot pull image "x": toomanyrequests: access denied until later',
  },
  {
    step: 'start',
    error: refused(
      400,
      'failed to create shim: OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown',
    ),
    kind: 'permanent',
    message: 'failed to start container: executable file not found: "nope"',
  },
  {
    step: 'start',
    error: refused(
      400,
      'OCI runtime create failed: runc create failed: unable to start container process: exec: "/a": stat /a: no such file or directory: unknown',
    ),
    kind: 'permanent',
    message: 'failed to start container: executable file not found: "/a"',
  },
  {
    step: 'start',
    error: refused(400, 'OCI runtime create failed: exec: "/etc": permission denied: unknown'),
    kind: 'permanent',
    message: 'failed to start container: "/etc" may not be executed: permission denied',
  },
  {
    step: 'start',
    error: refused(500, 'container init was OOM-killed (memory limit too low?)'),
    kind: 'environment',
    message: 'memory limit exceeded',
  },
  {
    step: 'start',
    error: refused(500, 'something else'),
    kind: 'environment',
    message: 'failed to start container: something else',
  },
  {
    step: 'create',
    error: refused(400, 'Minimum memory limit allowed is 6MB'),
    kind: 'permanent',
    message: 'failed to create container: Minimum memory limit allowed is 6MB',
  },
  {
    step: 'create',
    error: refused(500, 'Cannot mkdir: /etc/passwd is not a directory'),
    kind: 'permanent',
    message: 'failed to create container: Cannot mkdir: /etc/passwd is not a directory',
  },
  {
    step: 'create',
    error: refused(400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'),
    kind: 'infrastructure',
    message: 'failed to create container: Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available',
  },
  {
    step: 'create',
    error: refused(500, 'no space left on device'),
    kind: 'environment',
    message: 'failed to create container: no space left on device',
  },
  {
    step: 'start',
    error: new Error('connect ECONNREFUSED /x'),
    kind: 'infrastructure',
    message: 'Docker does not answer: connect ECONNREFUSED /x',
  },
  {
    step: 'pull',
    error: new Error('socket hang up'),
    kind: 'infrastructure',
    message: 'Docker does not answer: socket hang up',
  },
];

describe('what Docker says becomes', () => {
  for (const { step, error, kind, message } of cases) {
    test(`${kind}: ${message}`, ({ expect }) => {
      const { failure, unreachable } = asEngineError(step, 'x', error);
      expect([failure.class, failure.message]).toEqual([kind, message]);
      expect(unreachable).toBe(!('statusCode' in error));
    });
  }
});

test('a hint says what a person can do about an image that cannot be had', ({ expect }) => {
  const hint = (text: string): string => asEngineError('pull', 'x', refused(500, text)).failure.hint;
  expect(hint('failed to register layer: write /lib/x: no space left on device')).toContain('disk is full');
  expect(hint('no matching manifest for linux/arm64')).toContain('platform');
  expect(hint('unauthorized: authentication required')).toContain('login');
  expect(hint('context deadline exceeded')).toContain('The registry did not answer');
});

test('a network that cannot be had is the node’s fault, and is not taken for silence of Docker', ({ expect }) => {
  const pools = refused(403, 'all predefined address pools have been fully subnetted');
  expect(networkError(pools)).toMatchObject({
    unreachable: false,
    failure: {
      class: 'infrastructure',
      message: expect.stringMatching(/^the node's network for tasks could not be set up: all predefined/),
      hint: expect.stringContaining('default-address-pools'),
    },
  });
  const rules = networkError(new Error('iptables: Permission denied'));
  expect(rules.failure).toMatchObject({ class: 'infrastructure', topic: 'Preparing Environment' });
  expect(rules.failure.hint).toContain('iptables');
  expect(asEngineError('create', 'busybox', rules)).toBe(rules);
});
