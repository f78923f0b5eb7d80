/** Tests that need the same things, told by the suffix of their files, and run under the same bounds. */
export interface TestProject {
  readonly name: string;
  readonly include: readonly string[];
  readonly exclude?: readonly string[];
  /** What the set-up brings before it runs. Docker: an engine at DOCKER_HOST that has `busybox:latest`. */
  readonly needs: readonly ('docker' | 'browser')[];
  /** Its files run one after the other: they share an engine or count on the machine. */
  readonly inTurns: boolean;
  /** Of a test, s. */
  readonly timeout: number;
  /** Of a hook, s. */
  readonly hookTimeout: number;
  /** False: run by a command of its own, `npm run test:<name>`. */
  readonly standard: boolean;
}

/** Each starts a real `npm start`, or real processes under load. */
const byItself = { needs: ['docker'], inTurns: true, timeout: 360, hookTimeout: 120, standard: false } as const;

export const projects: readonly TestProject[] = [
  {
    name: 'node',
    include: ['{schema,src,worker-agent,cli,scripts,test,bench}/**/*.test.ts'],
    exclude: ['**/*.workerd.test.ts'],
    needs: ['browser'],
    inTurns: false,
    timeout: 60,
    hookTimeout: 60,
    standard: true,
  },
  {
    // Inside workerd, with the bindings of wrangler.toml.
    name: 'workerd',
    include: ['{src,test}/**/*.workerd.test.ts'],
    needs: [],
    inTurns: false,
    timeout: 90,
    hookTimeout: 90,
    standard: true,
  },
  {
    name: 'docker',
    include: ['worker-agent/src/**/*.docker.ts'],
    needs: ['docker'],
    inTurns: true,
    timeout: 180,
    hookTimeout: 180,
    standard: true,
  },
  {
    // The real stack on loopback; needs both bundles.
    name: 'e2e',
    include: ['test/e2e/**/*.e2e.ts'],
    needs: ['docker'],
    inTurns: true,
    timeout: 240,
    hookTimeout: 240,
    standard: true,
  },
  { name: 'fresh', include: ['test/fresh/**/*.e2e.ts'], ...byItself },
  { name: 'idle', include: ['test/idle/**/*.e2e.ts'], ...byItself },
  { name: 'kill', include: ['test/kill/**/*.e2e.ts'], ...byItself },
  { name: 'chaos', include: ['test/chaos/**/*.e2e.ts'], ...byItself, needs: [], timeout: 900 },
];
