import { describe, test } from 'vitest';
import { checkShares, ConfigError, parseConfig, type Config } from './config.ts';

function config(args: readonly string[], env: Record<string, string> = {}): Config {
  const parsed = parseConfig(args, env);
  if (parsed.type !== 'run') throw new Error(parsed.type);
  return parsed.config;
}

test('without any setting it dials the local orchestrator and offers 80 % of the machine', ({ expect }) => {
  expect(config([])).toMatchObject({
    url: new URL('http://127.0.0.1:1234'),
    token: null,
    nodeId: null,
    labels: {},
    dockerHost: null,
    shares: { cpu: { percent: 80 }, memory: { percent: 80 }, disk: { percent: 80 } },
    policy: { allowHostNetwork: false, unfilteredBridge: false },
    logLevel: 'info',
  });
});

const good: { name: string; args?: string[]; env?: Record<string, string>; want: object }[] = [
  {
    name: 'the address from the environment',
    env: { SHOAL_URL: 'https://a.example/base' },
    want: { url: new URL('https://a.example/base') },
  },
  {
    name: 'the command line before the environment',
    args: ['--url', 'ws://b'],
    env: { SHOAL_URL: 'http://a' },
    want: { url: new URL('ws://b') },
  },
  { name: 'the token from the environment', env: { SHOAL_NODE_TOKEN: 'secret' }, want: { token: 'secret' } },
  {
    name: 'an empty variable as none',
    env: { SHOAL_NODE_TOKEN: '', SHOAL_URL: '', SHOAL_NODE_ID: '' },
    want: { token: null, nodeId: null },
  },
  { name: 'node id and name', args: ['--node-id', 'n-1', '--name=x'], want: { nodeId: 'n-1', name: 'x' } },
  { name: 'labels', args: ['--label', 'a=1', '--label', 'b.c/d=x=y'], want: { labels: { a: '1', 'b.c/d': 'x=y' } } },
  { name: 'cores', args: ['--cpu', '1.5'], want: { shares: { cpu: { amount: 1.5 } } } },
  { name: 'thousandths of cores', args: ['--cpu', '500m'], want: { shares: { cpu: { amount: 0.5 } } } },
  { name: 'a part', args: ['--memory', '60%'], want: { shares: { memory: { percent: 60 } } } },
  { name: 'bytes by thousands', args: ['--memory', '8GB'], want: { shares: { memory: { amount: 8e9 } } } },
  { name: 'bytes by 1024', args: ['--disk', '1.5gib'], want: { shares: { disk: { amount: 1.5 * 2 ** 30 } } } },
  { name: 'single letters by thousands', args: ['--disk', '2g'], want: { shares: { disk: { amount: 2e9 } } } },
  {
    name: 'policy',
    args: ['--allow-host-network', '--unfiltered-bridge'],
    want: { policy: { allowHostNetwork: true, unfilteredBridge: true } },
  },
  {
    name: 'what a task may ask for',
    args: ['--ports', '4000-4010', '--allow-env', 'A_*', '--allow-env', 'B', '--allow-capability', 'cap_chown'],
    want: {
      policy: { ports: true, portRange: { from: 4000, to: 4010 }, envPatterns: ['A_*', 'B'] },
      docker: { portRange: { from: 4000, to: 4010 }, capabilities: ['CHOWN'] },
    },
  },
  { name: 'no ports', args: ['--ports', 'none'], want: { policy: { ports: false } } },
  {
    name: 'ranges and name servers',
    args: ['--open-range', '192.168.7.0/24', '--dns', '9.9.9.9'],
    want: { docker: { openRanges: ['192.168.7.0/24'], dns: ['9.9.9.9'] } },
  },
];

describe('it takes', () => {
  for (const { name, args = [], env = {}, want } of good) {
    test(name, ({ expect }) => {
      expect(config(args, env)).toMatchObject(want);
    });
  }
});

const bad: { args?: string[]; env?: Record<string, string>; says: string[] }[] = [
  { args: ['--url', 'ftp://x'], says: ['--url', '"ftp://x"', 'http, https, ws or wss'] },
  { env: { SHOAL_URL: 'nonsense' }, says: ['SHOAL_URL', '"nonsense"'] },
  { args: ['--node-id', 'a b'], says: ['--node-id', '"a b"', 'letters, digits'] },
  { args: ['--label', 'novalue'], says: ['--label', '"novalue"', 'key=value'] },
  { args: ['--label', 'name=x'], says: ['--label', '"name=x"', '--name'] },
  { args: ['--label', 'os_arch=riscv64'], says: ['--label', '"os_arch=riscv64"', 'what the machine is'] },
  { args: ['--cpu', '0'], says: ['--cpu', '"0"', '1.5'] },
  { args: ['--memory', '120%'], says: ['--memory', '"120%"', '100%'] },
  { args: ['--disk', 'lots'], says: ['--disk', '"lots"', '8gb'] },
  { args: ['--ports', '80-90'], says: ['--ports', '"80-90"', '20000-32000'] },
  { args: ['--open-range', '192.168.7.1'], says: ['--open-range', '192.168.7.0/24'] },
  { args: ['--dns', 'dns.example'], says: ['--dns', 'IP address'] },
  { args: ['--allow-capability', 'all'], says: ['--allow-capability', 'NET_BIND_SERVICE'] },
  { args: ['--allow-env', 'SHOAL_NODE_TOKEN'], says: ['--allow-env', '"SHOAL_NODE_TOKEN"', 'secrets'] },
  { args: ['--state', ''], says: ['--state', '""', 'folder'] },
  { args: ['--bogus'], says: ["'--bogus'", '--help'] },
  { args: ['stray'], says: ["'stray'", '--help'] },
  { env: { SHOAL_LOG_LEVEL: 'loud' }, says: ['SHOAL_LOG_LEVEL', '"loud"', 'info'] },
];

describe('it refuses, naming the setting, what was given and what is allowed', () => {
  for (const { args = [], env = {}, says } of bad) {
    test([...args, ...Object.entries(env).map((one) => one.join('='))].join(' '), ({ expect }) => {
      expect(() => parseConfig(args, env)).toThrow(ConfigError);
      for (const word of says) expect(() => parseConfig(args, env)).toThrow(word);
    });
  }

  test('an address with a password, without repeating it', ({ expect }) => {
    const parse = (): unknown => parseConfig(['--url', 'http://me:hunter2@x'], {});
    expect(parse).toThrow('SHOAL_NODE_TOKEN');
    expect(parse).not.toThrow('hunter2');
  });
});

describe('amounts', () => {
  const whole = { cpu: 2, memory: 4e9, disk: 100e9 };

  test('above what the machine has are refused', ({ expect }) => {
    const says = (...args: string[]) => expect(() => checkShares(config(args), whole));
    says('--cpu', '100').toThrow(
      '--cpu: "100 cores" is not allowed; it must be at most the 2 cores that this machine has',
    );
    says('--memory', '8gb').toThrow('--memory: "8000000000 bytes" is not allowed');
    says('--disk', '200gb').toThrow(ConfigError);
  });

  test('up to it are taken, and so are any where Docker is on another machine', ({ expect }) => {
    const take = (args: string[], env = {}): unknown => checkShares(config(args, env), whole);
    expect(() => take(['--cpu', '2', '--memory', '4gb', '--disk', '100gb'])).not.toThrow();
    expect(() => take(['--cpu', '64'], { DOCKER_HOST: 'tcp://big.example:2376' })).not.toThrow();
    expect(() => take(['--cpu', '100%'])).not.toThrow();
  });
});
