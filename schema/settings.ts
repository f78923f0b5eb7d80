import { z } from 'zod';
import { DEFAULT_NODE_RETENTION_DAYS, DEFAULT_QUEUE_TIMEOUT_MS } from './limits.ts';
import { readVariables, textOf, told, toldOf } from './setting.ts';

/** As Bacalhau limits each client. */
const DEFAULT_REQUESTS_PER_SECOND = 1_000;
const MAX_REQUESTS_PER_SECOND = 1_000_000;
/** As long as Bacalhau's tokens last. */
const DEFAULT_LOGIN_DAYS = 30;
const MAX_DAYS = 36_500;
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const MAX_SECONDS = (MAX_DAYS * DAY_MS) / SECOND_MS;
const MAX_BYTES = 1e15;

/** A number as text, decimals allowed, in units of which each is `per` of what the program counts. */
function number(most: number, per = 1) {
  const says = `a number from 0 to ${most}`;
  return z
    .string()
    .regex(/^\d{1,16}(\.\d{1,9})?$/, says)
    .transform(Number)
    .pipe(z.number().max(most, says))
    .transform((given) => (per === 1 ? given : counted(given, per)));
}

/** Whole, and what is not 0 stays so: 0 often means that there is no bound. */
function counted(given: number, per: number): number {
  return given === 0 ? 0 : Math.max(1, Math.round(given * per));
}

/** A word that is said or not. */
function flag(word: string) {
  return z.literal(word, `${word}, or leave it out`).transform(() => true);
}

/** Origins as browsers send them, separated by commas. */
const Origins = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ''),
  )
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]+$/i, 'origins such as https://ui.example:8080, separated by commas'),
    ),
  );

/** The settings of the Worker and its Scheduler, secrets aside, by their names in the code. */
export const workerSettings = z.object({
  embedded: flag('open').register(told, {
    variable: 'SHOAL_MODE',
    help: '`open`: run by `npm start` on the machine of whoever uses it, not on Cloudflare.',
    byDefault: 'on Cloudflare',
    notByHand: true,
  }),
  closed: flag('required').register(told, {
    variable: 'SHOAL_AUTH',
    help: '`required`: callers need a credential, agents the node token. On Cloudflare they always do.',
    byDefault: 'nobody is asked on this machine',
  }),
  manualApproval: flag('manual').register(told, {
    variable: 'SHOAL_NODE_APPROVAL',
    help: '`manual`: nodes that join wait until somebody approves them.',
    byDefault: 'they are approved at once',
  }),
  allowedOrigins: Origins.register(told, {
    variable: 'SHOAL_ALLOWED_ORIGINS',
    help: 'Of an open installation: further origins, separated by commas, whose pages may call it.',
    byDefault: 'none',
  }),
  requestsPerSecond: number(MAX_REQUESTS_PER_SECOND).register(told, {
    variable: 'SHOAL_RATE_LIMIT',
    help: 'Requests a second that one client may make; 0 means no limit.',
    unit: 'requests a second',
    byDefault: `${DEFAULT_REQUESTS_PER_SECOND} where credentials are needed, else 0`,
  }),
  defaultQueueTimeoutMs: number(MAX_SECONDS, SECOND_MS).register(told, {
    variable: 'DEFAULT_QUEUE_TIMEOUT',
    help: 'How long a batch or service job may wait for a node when it does not say; 0 fails it at once.',
    unit: 'seconds',
    per: SECOND_MS,
    byDefault: String(DEFAULT_QUEUE_TIMEOUT_MS / SECOND_MS),
  }),
  retentionMs: number(MAX_DAYS, DAY_MS).register(told, {
    variable: 'RETENTION_DAYS',
    help: 'How long ended jobs are kept; 0 keeps them for ever.',
    unit: 'days',
    per: DAY_MS,
    byDefault: '0; `wrangler.toml` says 30',
  }),
  nodeRetentionMs: number(MAX_DAYS, DAY_MS).register(told, {
    variable: 'NODE_RETENTION_DAYS',
    help: 'How long nodes that left, or were deleted, are remembered; 0 remembers them for ever.',
    unit: 'days',
    per: DAY_MS,
    byDefault: String(DEFAULT_NODE_RETENTION_DAYS),
  }),
  maxDatabaseBytes: number(MAX_BYTES).register(told, {
    variable: 'D1_MAX_BYTES',
    help: 'How large the database may grow; 0 means no bound. From 80 % of it on history is shortened, from 90 % on submits are refused.',
    unit: 'bytes',
    byDefault: '0; `wrangler.toml` says 10000000000',
  }),
  loginMs: number(MAX_DAYS, DAY_MS).register(told, {
    variable: 'SHOAL_LOGIN_DAYS',
    help: 'How long a login by a public key is good; 0 means as long as the key is registered.',
    unit: 'days',
    per: DAY_MS,
    byDefault: String(DEFAULT_LOGIN_DAYS),
  }),
});

/** What an installation is told, each as it is in force. */
export type WorkerSettings = Readonly<z.infer<typeof workerSettings>>;

/** What holds where nothing is said. */
const defaults: Omit<WorkerSettings, 'embedded' | 'closed' | 'requestsPerSecond'> = {
  manualApproval: false,
  allowedOrigins: [],
  defaultQueueTimeoutMs: DEFAULT_QUEUE_TIMEOUT_MS,
  retentionMs: 0,
  nodeRetentionMs: DEFAULT_NODE_RETENTION_DAYS * DAY_MS,
  maxDatabaseBytes: 0,
  loginMs: DEFAULT_LOGIN_DAYS * DAY_MS,
};

/** The variables that set them. */
export const settingNames: readonly string[] = toldOf(workerSettings).map(([, { variable }]) => variable);

/**
 * Reads the variables of a Worker. One that cannot be read is named in `problems`, and never opens what its right
 * spelling would have closed.
 */
export function readSettings(env: object): { settings: WorkerSettings; problems: readonly string[] } {
  const given = env as Readonly<Record<string, unknown>>;
  const { values, problems } = readVariables(workerSettings, given);
  const isGiven = (variable: string) => textOf(given[variable]) !== '';
  const embedded = values.embedded ?? false;
  const closed = !embedded || isGiven('SHOAL_AUTH');
  const settings = {
    requestsPerSecond: closed ? DEFAULT_REQUESTS_PER_SECOND : 0,
    ...defaults,
    ...values,
    embedded,
    closed,
    manualApproval: isGiven('SHOAL_NODE_APPROVAL'),
  };
  return { settings, problems };
}

/** What each variable would have to say for these settings, defaults filled in; empty is left out. */
export function inForce(settings: WorkerSettings): Readonly<Record<string, string | number>> {
  const values: Readonly<Record<string, unknown>> = { ...settings };
  const entries = toldOf(workerSettings).map(([name, { variable, per = 1 }]) => {
    const value = values[name];
    if (typeof value === 'number') return [variable, value / per];
    if (Array.isArray(value)) return [variable, value.join(',')];
    return [variable, value === true ? wordOf(name) : ''];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, string | number>>;
}

/** What a flag says when it is set. */
function wordOf(name: string): string {
  const schema = (workerSettings.shape as Readonly<Record<string, z.ZodType>>)[name];
  const word = schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodLiteral ? schema.def.in.value : '';
  return String(word);
}
