import { makeFailure, type FailureTopic } from '@shoal/schema/protocol/common';
import { errorText } from '../../ports.ts';
import { EngineError } from '../engine.ts';

/** The step in which Docker refused. */
export type Step = 'pull' | 'create' | 'start' | 'other';

/** HTTP status of Docker's answer; null when there was none. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}

/** Docker's own words, without what the client wraps around them. */
export function dockerText(error: unknown): string {
  return errorText(error)
    .replace(/^\(HTTP code \d+\) .*? - /s, '')
    .trim();
}

/** Turns what Docker or its client threw into a failure that says whose fault it is and what to do. */
export function asEngineError(step: Step, image: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const text = dockerText(error);
  if (statusOf(error) === null) return unreachable(text, error);
  switch (step) {
    case 'pull':
      return pullError(image, text, error);
    case 'create':
      return createError(image, text, error);
    case 'start':
      return startError(text, error);
    case 'other':
      return make('infrastructure', 'Running Execution', text, '', error);
  }
}

export function unreachable(text: string, cause: unknown): EngineError {
  const failure = makeFailure('infrastructure', 'Running Execution', `Docker does not answer: ${text}`);
  return new EngineError(failure, { unreachable: true, cause });
}

/** What the agent itself does for a network, rules of the kernel or a proxy, or Docker's own part of it, which answered. */
export function networkError(error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const text = dockerText(error);
  const pools = /address pool|overlap/i.test(text);
  const hint = pools
    ? 'Docker has no room for another network: remove unused ones (docker network prune), or give it more with default-address-pools.'
    : 'The agent needs iptables, the right to set rules, and Docker beside it. The log of the agent tells more.';
  const message = `the node's network for tasks could not be set up: ${text}`;
  return make('infrastructure', 'Preparing Environment', message, hint, error);
}

// Docker Hub answers "denied" for names that do not exist, so the two cannot be told apart.
const absentImage =
  /manifest.*(unknown|not found)|not found: manifest|pull access denied|repository does not exist|name unknown|denied|no such image/i;
/** What another node may have: a login for the registry, or the platform that the image is made for. */
const notHere: readonly (readonly [RegExp, string])[] = [
  [
    /no matching manifest|no such image after it was pulled/i,
    "The image is not made for this node's platform; a node with another may run it.",
  ],
  [
    /unauthorized|no basic auth credentials/i,
    'This node has no login for the registry that may read the image; another node may. Check its name as well.',
  ],
  [/no space left on device/i, "This node's disk is full; this is tried again. Its owner can remove images."],
];
const registryDown =
  'The registry did not answer as it should; this is tried again. An image that is on the node needs no registry.';
const badImageName = /invalid reference format|invalid repository name|repository name .*must be/i;

/** A registry that is down or slow is no fault of the job: that is tried again, elsewhere first. */
function pullError(image: string, text: string, cause: unknown): EngineError {
  if (badImageName.test(text)) return badImage(image, cause);
  const local = notHere.find(([pattern]) => pattern.test(text));
  if (local !== undefined || /toomanyrequests|rate limit/i.test(text) || !absentImage.test(text)) {
    const hint = local?.[1] ?? registryDown;
    return make('environment', 'Preparing Environment', `cannot pull image "${image}": ${text}`, hint, cause);
  }
  const hint = `Check the image's name and tag, and that it can be pulled without a login. Docker said: ${text}`;
  return make('permanent', 'Preparing Environment', `image not available: "${image}"`, hint, cause);
}

function badImage(image: string, cause: unknown): EngineError {
  const hint = 'An image is named like "busybox:latest" or "registry.example/team/name:tag".';
  return make('permanent', 'Preparing Environment', `invalid image format: "${image}"`, hint, cause);
}

function createError(image: string, text: string, cause: unknown): EngineError {
  if (badImageName.test(text)) return badImage(image, cause);
  if (/cannot mkdir: .* is not a directory/i.test(text)) {
    const hint = 'Check WorkingDirectory: it, or a part of it, is a file in the image.';
    return make('permanent', 'Preparing Environment', `failed to create container: ${text}`, hint, cause);
  }
  if (/range of cpus is from/i.test(text)) {
    const hint = "The node offers more cores than its Docker has: its owner can correct that with the agent's --cpu.";
    return make('infrastructure', 'Preparing Environment', `failed to create container: ${text}`, hint, cause);
  }
  if (statusOf(cause) === 400) {
    return make('permanent', 'Preparing Environment', `failed to create container: ${text}`, '', cause);
  }
  return make('environment', 'Preparing Environment', `failed to create container: ${text}`, '', cause);
}

function startError(text: string, cause: unknown): EngineError {
  const command = /exec:? "([^"]*)"/.exec(text)?.[1] ?? /stat (\S+): no such file/.exec(text)?.[1] ?? '';
  if (/executable file not found|no such file or directory|is a directory/i.test(text) && command !== '') {
    const hint =
      'Check Entrypoint and Parameters: the first word must be a program of the image. There is no shell unless you name one.';
    const message = `failed to start container: executable file not found: "${command}"`;
    return make('permanent', 'Running Execution', message, hint, cause);
  }
  if (/permission denied/i.test(text) && command !== '') {
    const message = `failed to start container: "${command}" may not be executed: permission denied`;
    return make('permanent', 'Running Execution', message, '', cause);
  }
  if (/oom-?killed|memory limit too low|cannot allocate memory/i.test(text)) {
    return make(
      'environment',
      'Running Execution',
      'memory limit exceeded',
      'Ask for more with Resources.Memory.',
      cause,
    );
  }
  const message = `failed to start container: ${text}`;
  if (statusOf(cause) === 400) return make('permanent', 'Running Execution', message, '', cause);
  return make('environment', 'Running Execution', message, '', cause);
}

function make(
  kind: 'infrastructure' | 'environment' | 'permanent',
  topic: FailureTopic,
  ...[message, hint, cause]: [message: string, hint: string, cause: unknown]
): EngineError {
  return new EngineError(makeFailure(kind, topic, message, hint), { cause });
}
