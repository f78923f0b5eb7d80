import { durationText } from '../format.ts';
import { shown } from '../problems.ts';
import type { InputSourceInput, ResultPathInput, SpecConfigInput, TaskInput, TimeoutsInput } from './input.ts';
import { readResources } from './resources.ts';
import { validateNetwork } from './validate-network.ts';

/** What is wrong with a task as submitted, one message a problem. @see Bacalhau pkg/models/task.go, ValidateSubmission */
export function validateTask(task: TaskInput): string[] {
  const name = task.Name ?? '';
  const { problems: amounts } = readResources(plain(task.Resources ?? task.ResourcesConfig ?? {}));
  return [
    ...(isBlank(name) ? ['missing task name'] : []),
    ...(name.includes('\0') ? ['task name cannot contain null characters'] : []),
    ...validateEnv(task.Env ?? {}),
    ...prefixed('invalid engine', [...validateSpecConfig(task.Engine), ...ambiguousKeys(task.Engine?.Params ?? {})]),
    ...prefixed('invalid timeouts', validateTimeouts(task.Timeouts ?? {})),
    ...prefixed('invalid resources', amounts),
    ...validateInputSources(task.InputSources ?? []),
    ...validateResultPaths(task.ResultPaths ?? []),
    ...prefixed('invalid network', validateNetwork(task.Network ?? {})),
  ];
}

/** What only shows once defaults are filled in. */
export function validateFilledTask(task: TaskInput): string[] {
  const { ExecutionTimeout: run = 0, QueueTimeout: queue = 0, TotalTimeout: total = 0 } = task.Timeouts ?? {};
  const problems: string[] = [];
  if (total > 0 && run + queue > total) {
    problems.push(
      `invalid timeouts: execution timeout ${durationText(run * 1000)} and queue timeout ${durationText(queue * 1000)} ` +
        `should be less than total timeout ${durationText(total * 1000)}`,
    );
  }
  if ((task.ResultPaths ?? []).length > 0 && isBlank(task.Publisher?.Type ?? '')) {
    problems.push('publisher must be set if result paths are set');
  }
  return problems;
}

/** Only the first variable with a problem is named, with its first problem. */
function validateEnv(env: Readonly<Record<string, string>>): string[] {
  for (const [name, value] of Object.entries(env)) {
    const problem = envProblem(name, value);
    if (problem !== null) return [problem];
  }
  return [];
}

function envProblem(name: string, value: string): string | null {
  if (name === '') return 'environment variable name cannot be empty';
  const says = `environment variable '${shown(name)}'`;
  if (name !== name.toUpperCase()) return `${says} must be uppercase`;
  if (!/^\p{L}/u.test(name)) return `${says} must start with a letter`;
  if (!/^[\p{L}\p{Nd}_]*$/u.test(name)) return `${says} can only contain letters, numbers, and underscores`;
  if (name.startsWith('BACALHAU_')) return `${says} cannot start with BACALHAU_`;
  if (value === '') return `${says} cannot have empty value`;
  if (value.includes('\0')) return `${says} cannot contain null characters`;
  return null;
}

function validateSpecConfig(config: SpecConfigInput | undefined): string[] {
  if (config === undefined) return ['nil spec config'];
  return isBlank(config.Type ?? '') ? ['missing spec type'] : [];
}

/** Engines read the keys of their parameters whatever their case: of two that differ in nothing else one would be lost. */
function ambiguousKeys(params: Readonly<Record<string, unknown>>): string[] {
  const seen = new Map<string, string>();
  for (const key of Object.keys(params)) {
    const twin = seen.get(key.toLowerCase());
    if (twin !== undefined) return [`Engine.Params: '${shown(twin)}' and '${shown(key)}' differ only in case`];
    seen.set(key.toLowerCase(), key);
  }
  return [];
}

function validateTimeouts(timeouts: TimeoutsInput): string[] {
  const fields = [
    ['execution', timeouts.ExecutionTimeout],
    ['queue', timeouts.QueueTimeout],
    ['total', timeouts.TotalTimeout],
  ] as const;
  return fields.flatMap(([name, seconds = 0]) =>
    seconds < 0 ? [`invalid ${name} timeout value: ${durationText(seconds * 1000)}`] : [],
  );
}

function validateInputSources(sources: readonly InputSourceInput[]): string[] {
  const problems = sources.flatMap((source) => [
    ...(isBlank(source.Target ?? '') ? ['input source is missing a target'] : []),
    ...validateSpecConfig(source.Source).map((problem) => `invalid input source: ${problem}`),
  ]);
  return [
    ...prefixed('invalid input sources', problems),
    ...duplicates(sources, (source) => source.Alias).map(
      (alias) => `input source with alias '${shown(alias)}' already exists`,
    ),
    ...duplicates(sources, (source) => source.Target).map(
      (target) => `input source with target '${shown(target)}' already exists`,
    ),
  ];
}

function validateResultPaths(paths: readonly ResultPathInput[]): string[] {
  const problems = paths.flatMap(({ Name: name = '', Path: path = '' }) => [
    ...(isBlank(path)
      ? ['missing path']
      : path.startsWith('/')
        ? []
        : [`result path \`${shown(path)}\` must be absolute`]),
    ...(isBlank(name) ? ['missing name'] : []),
  ]);
  return [
    ...prefixed('invalid output', problems),
    ...duplicates(paths, (path) => path.Name).map((name) => `result path with name '${shown(name)}' already exists`),
    ...duplicates(paths, (path) => path.Path).map((path) => `result path '${shown(path)}' already exists`),
  ];
}

/** Values that occur twice or more, each once; empty ones do not count. */
function duplicates<T>(items: readonly T[], value: (item: T) => string | undefined): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const item of items) {
    const text = value(item) ?? '';
    if (text === '') continue;
    if (seen.has(text)) twice.add(text);
    seen.add(text);
  }
  return [...twice];
}

function prefixed(prefix: string, problems: readonly string[]): string[] {
  return problems.length === 0 ? [] : [`${prefix}: ${problems.join('\n')}`];
}

export function isBlank(text: string): boolean {
  return text.trim() === '';
}

/** Without keys whose value is undefined: stored documents leave out what is not set. */
export function plain<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as never;
}
