import { z } from 'zod';
import { DEFAULT_NODE_RETENTION_DAYS, DEFAULT_QUEUE_TIMEOUT_MS } from './limits.ts';
import { shown } from './problems.ts';

/** As Bacalhau limits each client. */
const DEFAULT_REQUESTS_PER_SECOND = 1_000;
const MAX_REQUESTS_PER_SECOND = 1_000_000;
const MAX_DAYS = 36_500;
const MAX_SECONDS = MAX_DAYS * 86_400;
const MAX_BYTES = 1e15;

/** A number as text, decimals allowed. */
function number(most: number) {
  const says = `a number from 0 to ${most}`;
  return z
    .string()
    .regex(/^\d{1,16}(\.\d{1,9})?$/, says)
    .transform(Number)
    .pipe(z.number().max(most, says));
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

/** The settings of the Worker and the Scheduler by the names of their variables, secrets aside. Empty is absent. */
const fields = {
  SHOAL_MODE: z.literal('open', 'open, or leave it out'),
  SHOAL_AUTH: z.literal('required', 'required, or leave it out'),
  SHOAL_NODE_APPROVAL: z.literal('manual', 'manual, or leave it out'),
  SHOAL_ALLOWED_ORIGINS: Origins,
  SHOAL_RATE_LIMIT: number(MAX_REQUESTS_PER_SECOND),
  DEFAULT_QUEUE_TIMEOUT: number(MAX_SECONDS),
  RETENTION_DAYS: number(MAX_DAYS),
  NODE_RETENTION_DAYS: number(MAX_DAYS),
  D1_MAX_BYTES: number(MAX_BYTES),
};
type Name = keyof typeof fields;

export const settingNames = Object.keys(fields) as readonly Name[];

/** What an installation is told, each as it is in force. */
export interface WorkerSettings {
  /** Run by the launcher on the machine of whoever uses it, not on Cloudflare. */
  readonly embedded: boolean;
  /** Callers need credentials. */
  readonly closed: boolean;
  /** Nodes that join wait until somebody approves them. */
  readonly manualApproval: boolean;
  readonly allowedOrigins: readonly string[];
  /** Of one client; 0 means no limit. */
  readonly requestsPerSecond: number;
  /** Seconds that a batch or service job may wait for a node when it does not say; 0 fails it at once. */
  readonly queueTimeout: number;
  /** 0 keeps ended jobs for ever. */
  readonly retentionDays: number;
  /** Nodes that left, or were deleted, longer ago are forgotten; 0 remembers them for ever. */
  readonly nodeRetentionDays: number;
  /** 0 means no bound. */
  readonly databaseBytes: number;
}

/**
 * Reads the variables of a Worker. One that cannot be read is named in `problems`, and never opens what its right
 * spelling would have closed.
 */
export function readSettings(env: object): { settings: WorkerSettings; problems: readonly string[] } {
  const given = env as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  const isGiven = (name: Name) => textOf(given[name]) !== '';
  const read = <N extends Name>(name: N): z.infer<(typeof fields)[N]> | undefined => {
    if (!isGiven(name)) return undefined;
    const field: z.ZodType = fields[name];
    const value = field.safeParse(textOf(given[name]));
    if (value.success) return value.data as z.infer<(typeof fields)[N]>;
    problems.push(`${name}=${shown(textOf(given[name]))}: give ${value.error.issues[0]?.message ?? 'something else'}`);
    return undefined;
  };
  const embedded = read('SHOAL_MODE') === 'open';
  read('SHOAL_AUTH');
  read('SHOAL_NODE_APPROVAL');
  const closed = !embedded || isGiven('SHOAL_AUTH');
  const settings = {
    embedded,
    closed,
    manualApproval: isGiven('SHOAL_NODE_APPROVAL'),
    allowedOrigins: read('SHOAL_ALLOWED_ORIGINS') ?? [],
    requestsPerSecond: read('SHOAL_RATE_LIMIT') ?? (closed ? DEFAULT_REQUESTS_PER_SECOND : 0),
    queueTimeout: read('DEFAULT_QUEUE_TIMEOUT') ?? DEFAULT_QUEUE_TIMEOUT_MS / 1000,
    retentionDays: read('RETENTION_DAYS') ?? 0,
    nodeRetentionDays: read('NODE_RETENTION_DAYS') ?? DEFAULT_NODE_RETENTION_DAYS,
    databaseBytes: read('D1_MAX_BYTES') ?? 0,
  };
  return { settings, problems };
}

/** What each variable would have to say for these settings, defaults filled in; empty is left out. */
export function inForce(settings: WorkerSettings): Readonly<Record<Name, string | number>> {
  return {
    SHOAL_MODE: settings.embedded ? 'open' : '',
    SHOAL_AUTH: settings.closed ? 'required' : '',
    SHOAL_NODE_APPROVAL: settings.manualApproval ? 'manual' : '',
    SHOAL_ALLOWED_ORIGINS: settings.allowedOrigins.join(','),
    SHOAL_RATE_LIMIT: settings.requestsPerSecond,
    DEFAULT_QUEUE_TIMEOUT: settings.queueTimeout,
    RETENTION_DAYS: settings.retentionDays,
    NODE_RETENTION_DAYS: settings.nodeRetentionDays,
    D1_MAX_BYTES: settings.databaseBytes,
  };
}

/** A variable may have been written as a number. */
function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}
