import { z } from 'zod';
import { shown } from './problems.ts';

/** What people are told of one setting. */
export interface Told {
  /** The variable of the environment that sets it. */
  readonly variable: string;
  /** What it does, as a sentence. */
  readonly help: string;
  /** What its number counts. */
  readonly unit?: string;
  /** How many of what the program counts are one of these units. */
  readonly per?: number;
  /** What holds when it is not given, as people read it. */
  readonly byDefault: string;
  /** Said by whatever starts the process, and by nobody else. */
  readonly notByHand?: true;
  /** Never shown. */
  readonly isSecret?: true;
}

/** Each setting's schema with what is told of it. */
export const told = z.registry<Told>();

/** The settings of one process: a schema a setting, registered in `told`. Each reads the text of its variable. */
export type Settings = z.ZodObject<Readonly<Record<string, z.ZodType>>>;

/** What is told of the settings of a process, by their names in the code. @throws Error when one tells nothing */
export function toldOf(settings: Settings): readonly (readonly [name: string, Told])[] {
  return Object.entries(settings.shape).map(([name, schema]) => {
    const said = told.get(schema);
    if (said === undefined) throw new Error(`the setting ${name} tells nothing of itself`);
    return [name, said];
  });
}

/**
 * Reads the settings of a process from its environment. Empty is absent.
 * @returns what could be read, and a line for each variable that could not
 */
export function readVariables<S extends Settings>(
  settings: S,
  env: Readonly<Record<string, unknown>>,
): { readonly values: Partial<z.infer<S>>; readonly problems: readonly string[] } {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { variable, isSecret = false }] of toldOf(settings)) {
    const text = textOf(env[variable]);
    if (text === '') continue;
    const read = settings.shape[name]?.safeParse(text);
    if (read?.success === true) values[name] = read.data;
    else {
      const wanted = read?.error.issues[0]?.message ?? 'something else';
      problems.push(`${variable}=${isSecret ? '...' : shown(text)}: give ${wanted}`);
    }
  }
  return { values: values as Partial<z.infer<S>>, problems };
}

/** A variable may have been written as a number. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

/** What `--help` says of the settings of a process: two lines each. */
export function settingsHelp(settings: Settings): string {
  return toldOf(settings)
    .filter(([, { notByHand = false }]) => !notByHand)
    .map(([, { variable, help, unit, byDefault }]) => {
      const counts = unit === undefined ? '' : ` In ${unit}.`;
      return `  ${variable}\n      ${help}${counts} Default: ${byDefault}.`;
    })
    .join('\n');
}

/** The same as a table of a page. */
export function settingsTable(settings: Settings): string {
  const lines = toldOf(settings).map(([, { variable, help, unit = '', byDefault, notByHand = false }]) => {
    const cells = [`\`${variable}\``, notByHand ? `${help} Set by \`npm start\` alone.` : help, unit, byDefault];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| variable | what it does | unit | default |', '|---|---|---|---|', ...lines].join('\n');
}
