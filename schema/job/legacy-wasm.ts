import { bind } from './bind.ts';
import { InputSourceInput, type JobInput, type TaskInput } from './input.ts';

const ENTRY_TARGET = '/wasm/entry.wasm';

/**
 * Rewrites WebAssembly jobs of older clients: their modules stand as whole input sources in the engine's parameters. The
 * modules move to `InputSources`, the parameters keep the paths at which they are found.
 * @throws ShoalError 400 when a module is no input source
 * @see Bacalhau pkg/orchestrator/transformer, legacy wasm modules
 */
export function rewriteLegacyWasm(job: JobInput): JobInput {
  if (job.Tasks === undefined) return job;
  return { ...job, Tasks: job.Tasks.map(rewriteTask) };
}

function rewriteTask(task: TaskInput): TaskInput {
  const { Engine: engine } = task;
  if ((engine?.Type ?? '').trim().toLowerCase() !== 'wasm' || engine?.Params === undefined) return task;
  const moved: InputSourceInput[] = [];
  const move = (module: unknown, target: string): string => {
    const source = bind(InputSourceInput, module);
    const placed = { ...source, Target: (source.Target ?? '') === '' ? target : source.Target };
    moved.push(placed);
    return placed.Target ?? target;
  };
  const params = Object.entries(engine.Params).map(([key, value]): [string, unknown] => {
    const name = key.toLowerCase();
    if (name === 'entrymodule' && isObject(value)) return ['EntryModule', move(value, ENTRY_TARGET)];
    if (name !== 'importmodules' || !Array.isArray(value)) return [key, value];
    const paths = value.map((module: unknown, i) =>
      isObject(module) ? move(module, `/wasm/imports/module_${i}.wasm`) : module,
    );
    return ['ImportModules', paths];
  });
  if (moved.length === 0) return task;
  return {
    ...task,
    Engine: { ...engine, Params: Object.fromEntries(params) },
    InputSources: [...(task.InputSources ?? []), ...moved],
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
