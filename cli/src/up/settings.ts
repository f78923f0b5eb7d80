import type { z } from 'zod';
import { readVariables, settingsHelp, toldOf } from '../../../schema/setting.ts';
import { readSettings, settingNames, workerSettings, type WorkerSettings } from '../../../schema/settings.ts';
import { startSettings } from '../../../schema/start-settings.ts';
import { UserError } from '../say.mjs';

export interface Settings {
  /** Of `npm start` itself, as far as they are given. */
  readonly own: Partial<z.infer<typeof startSettings>>;
  /** Of the Worker, each as it will be in force. */
  readonly worker: WorkerSettings;
}

const ownNames = toldOf(startSettings).map(([, { variable }]) => variable);
/** Whether an installation is open is said by `npm start` itself. */
const decidedHere = ['SHOAL_MODE', 'SHOAL_AUTH'];
/** Characters by which a misspelt name differs from the one that was meant. */
const maxSlips = 2;

/**
 * Reads all settings, once. One that is misspelt, in its value or in its name, ends the start: what it should have closed
 * would be open.
 */
export function checkSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const known = [...settingNames, ...ownNames];
  const misspelt = Object.keys(env)
    .filter((name) => name.startsWith('SHOAL_') && !known.includes(name))
    .flatMap((name) => {
      const meant = known.find((other) => slips(name, other) <= maxSlips);
      return meant === undefined ? [] : [`${name} is no setting: did you mean ${meant}?`];
    });
  const own = readVariables(startSettings, env);
  const worker = readSettings({ ...env, SHOAL_MODE: env['SHOAL_MODE'] || 'open' });
  const all = [...misspelt, ...own.problems, ...worker.problems];
  if (all.length > 0) throw new UserError(all.join('\n'));
  return { own: own.values, worker: worker.settings };
}

/** What is handed on to the Worker as it is. */
export function handedOn(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  const names = settingNames.filter((name) => !decidedHere.includes(name));
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What `npm start -- --help` says. */
export const startHelp = `npm start [-- --agents N]   starts the whole of Shoal on this machine; N agents, 1 by default

Variables of its own:
${settingsHelp(startSettings)}

Variables of the Worker:
${settingsHelp(workerSettings)}`;

/** How many characters have to be put in, taken out or changed to make one text of the other. */
function slips(a: string, b: string) {
  let above = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (above[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(changed, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[b.length] ?? 0;
}
