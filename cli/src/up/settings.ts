import { readSettings, settingNames } from '../../../schema/settings.ts';
import { UserError } from '../say.mjs';

/** What else the environment of `npm start` may say. */
const otherNames = ['SHOAL_PORT', 'SHOAL_HOST', 'SHOAL_STATE', 'SHOAL_DOCKER', 'SHOAL_ADMIN_TOKEN', 'SHOAL_NODE_TOKEN'];
/** Characters by which a misspelt name differs from the one that was meant. */
const maxSlips = 2;

/** Ends the start for a setting that is misspelt, in its value or in its name: what it should have closed would be open. */
export function checkSettings(env: Readonly<Record<string, string | undefined>>) {
  const known = [...settingNames, ...otherNames];
  const misspelt = Object.keys(env)
    .filter((name) => name.startsWith('SHOAL_') && !known.includes(name))
    .flatMap((name) => {
      const meant = known.find((other) => slips(name, other) <= maxSlips);
      return meant === undefined ? [] : [`${name} is no setting: did you mean ${meant}?`];
    });
  const { problems } = readSettings(env);
  const all = [...misspelt, ...problems];
  if (all.length > 0) throw new UserError(all.join('\n'));
}

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
