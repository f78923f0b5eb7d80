import { issueText } from '@shoal/schema/issue-text';
import { dockerParamNames } from '@shoal/schema/job/param-names';
import { z } from 'zod';
import { EngineError } from '../engine.ts';
import { makeFailure } from '@shoal/schema/protocol/common';

/** What a task of engine `docker` says about its container. */
export interface DockerParams {
  readonly image: string;
  /** Empty keeps the image's own. */
  readonly entrypoint: readonly string[];
  readonly parameters: readonly string[];
  /** `NAME=value` each; what has no `=` was dropped. */
  readonly environment: readonly string[];
  /** Absolute, or empty for the image's own. */
  readonly workingDirectory: string;
  /** Linux capabilities beyond none, upper case without `CAP_`. Only those that the node's owner allows are given. */
  readonly capabilities: readonly string[];
}

const list = z.array(z.string()).nullish();

// Keys in lower case: users spell them as they like, and unknown ones are ignored.
const Params = z.object({
  image: z.string().nullish(),
  entrypoint: list,
  parameters: list,
  environmentvariables: list,
  workingdirectory: z.string().nullish(),
  capabilities: list,
});

const names: Readonly<Record<string, string>> = Object.fromEntries(
  dockerParamNames.map((name) => [name.toLowerCase(), name]),
);

/**
 * Reads `Engine.Params`, whatever the case of its keys.
 * @throws EngineError `permanent`, naming the parameter
 * @see Bacalhau pkg/executor/docker/models
 */
export function parseDockerParams(params: Readonly<Record<string, unknown>>): DockerParams {
  const folded = foldCase(params);
  const read = Params.safeParse(folded);
  if (!read.success) {
    const issue = read.error.issues[0];
    if (issue === undefined) throw invalid('they cannot be read');
    const [key, ...rest] = issue.path;
    const path = [names[String(key)] ?? String(key), ...rest];
    const root = { [String(path[0])]: folded[String(key)] };
    // Variables may be secrets, and this becomes part of the job's history.
    throw invalid(issueText({ ...issue, path }, { root, whole: 'Params', given: 'kind' }));
  }
  refuseNul(read.data);
  const { image, entrypoint, parameters, environmentvariables, workingdirectory, capabilities } = read.data;
  if (image === undefined || image === null || image.trim() === '') throw invalid("'Image' cannot be empty");
  const directory = workingdirectory ?? '';
  if (directory !== '' && !directory.startsWith('/')) {
    throw invalid(`'WorkingDirectory' (${directory}) must contain absolute path`);
  }
  const reserved = environmentvariables?.find((one) => one.toUpperCase().startsWith('BACALHAU_'));
  if (reserved !== undefined) {
    throw invalid(`'EnvironmentVariables' (${reserved.split('=')[0] ?? ''}) cannot start with BACALHAU_`);
  }
  return {
    image: image.trim(),
    entrypoint: entrypoint ?? [],
    parameters: parameters ?? [],
    environment: (environmentvariables ?? []).filter((one) => one.includes('=')),
    workingDirectory: directory,
    capabilities: (capabilities ?? []).map((name) => name.toUpperCase().replace(/^CAP_/, '')),
  };
}

/** A key that is there twice is refused: whoever reads the first and whoever reads the last would see different tasks. */
function foldCase(params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = new Map<string, string>();
  for (const key of Object.keys(params)) {
    const twin = given.get(key.toLowerCase());
    if (twin !== undefined) throw invalid(`'${twin}' and '${key}' differ only in case`);
    given.set(key.toLowerCase(), key);
  }
  return Object.fromEntries([...given].map(([lower, key]) => [lower, params[key]]));
}

/** To the kernel it is the end of a text: the task would get half of it, or not start at all. */
function refuseNul(params: z.infer<typeof Params>): void {
  for (const [key, value] of Object.entries(params)) {
    const name = names[key] ?? key;
    if (typeof value === 'string' && value.includes('\0')) throw invalid(`'${name}' must not contain NUL`);
    const at = Array.isArray(value) ? value.findIndex((one) => one.includes('\0')) : -1;
    if (at >= 0) throw invalid(`'${name}[${at}]' must not contain NUL`);
  }
}

function invalid(what: string): EngineError {
  const hint = "Correct the job's Engine.Params and submit it again.";
  return new EngineError(
    makeFailure('permanent', 'Preparing Environment', `invalid docker engine param: ${what}`, hint),
  );
}
