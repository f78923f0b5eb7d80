import { registerHooks } from 'node:module';
import { plantedBugs } from './planted-bugs.ts';

/** Loaded before a simulation: plants the bug that SHOAL_PLANTED_BUG names into the source as it is read. */
const bug = plantedBugs.find(({ name }) => name === process.env['SHOAL_PLANTED_BUG']);
if (bug === undefined) throw new Error(`no planted bug is called ${process.env['SHOAL_PLANTED_BUG']}`);
const target = new URL(`../../${bug.file}`, import.meta.url).href;

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (source.split(bug.find).length !== 2) throw new Error(`"${bug.find}" is not once in ${bug.file}`);
    return { ...loaded, source: source.replace(bug.find, () => bug.replace) };
  },
});
