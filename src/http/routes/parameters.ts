import type { Parameter } from './route.ts';

/** Parameters that several routes take. */

export const namespace = {
  type: 'text',
  description: 'Where the name is looked up; empty means `default`.',
} as const satisfies Parameter;
export const version = {
  type: 'uint',
  description: 'A version; 0 means the latest.',
} as const satisfies Parameter;
export const allVersions = {
  type: 'flag',
  description: 'All versions, unless `job_version` names one.',
} as const satisfies Parameter;
export const reverse = { type: 'flag', description: 'Turns the order around.' } as const satisfies Parameter;
export const labels = {
  type: 'texts',
  description: 'Kubernetes label selectors; all must be met.',
} as const satisfies Parameter;

/** Read as its type, and of no effect: clients of the API send it. */
export function ignored<const T extends Parameter['type']>(type: T) {
  return { type, description: 'Accepted, without effect.' } as const;
}

/** What is wrong with a request, where routes share it. */
export const refusals = {
  unreadable: 'A parameter or the body cannot be read, or does not pass validation.',
  noJob: 'There is no such job in a namespace that the caller may see.',
  severalJobs: 'The beginning of an id fits several jobs.',
  unknownOutcome: 'Scheduler or database do not answer: look whether the change was made, then try again.',
  large: 'The body is larger than this route takes.',
  full: 'The database is nearly full.',
} as const;
