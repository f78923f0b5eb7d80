import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

/**
 * The borders between the rooms are rules of lint. Each import here is planted into a tree that has nothing but the rules:
 * those that cross a border fail, those beside it that are wanted do not.
 */

const root = fileURLToPath(new URL('../', import.meta.url));
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');

const crossing: readonly (readonly [file: string, imported: string])[] = [
  ['schema/job/planted.ts', '../../src/core/room.ts'],
  ['schema/planted.ts', 'node:fs'],
  ['src/core/planted.ts', '../store/store.ts'],
  ['src/core/planted.ts', 'zod'],
  ['src/store/planted.ts', '../http/app.ts'],
  ['src/scheduler/planted.ts', '../http/app.ts'],
  ['src/http/planted.ts', '../core/core.ts'],
  ['worker-agent/src/planted.ts', '../../src/core/core.ts'],
  ['worker-agent/src/planted.ts', '../../schema/db/tables.ts'],
  ['worker-agent/src/planted.ts', 'dockerode'],
  ['worker-agent/src/executions/planted.ts', 'dockerode'],
  ['worker-agent/src/engines/engine.ts', 'dockerode'],
  ['worker-agent/src/engines/planted.ts', 'dockerode'],
  ['worker-agent/src/engines/planted.ts', './fake.ts'],
  ['worker-agent/src/engines/planted.ts', './docker/docker.ts'],
  ['worker-agent/src/engines/planted.ts', '../executions/outcome.ts'],
  ['worker-agent/src/engines/planted.ts', '../inputs/input.ts'],
  ['worker-agent/src/engines/planted.ts', '../machine/gpus.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../fake.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../../logs/heads.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../../journal/records.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../../publishers/publisher.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../../config.ts'],
  ['worker-agent/src/inputs/planted.ts', './inline.ts'],
  ['worker-agent/src/inputs/planted.ts', '../engines/engine.ts'],
  ['worker-agent/src/inputs/planted.ts', '../publishers/publisher.ts'],
  ['worker-agent/src/inputs/planted.ts', '../executions/supervisor.ts'],
  ['worker-agent/src/publishers/planted.ts', './noop.ts'],
  ['worker-agent/src/publishers/planted.ts', '../inputs/input.ts'],
  ['worker-agent/src/publishers/planted.ts', '../engines/engine.ts'],
  ['worker-agent/src/publishers/planted.ts', '../logs/shelf.ts'],
  ['worker-agent/src/fetch/planted.ts', '../engines/engine.ts'],
  ['worker-agent/src/archive/planted.ts', '../inputs/input.ts'],
];

const wanted: typeof crossing = [
  ['worker-agent/src/executions/planted.ts', '../engines/engine.ts'],
  ['worker-agent/src/engines/planted.ts', './engine.ts'],
  ['worker-agent/src/engines/planted.ts', '../ports.ts'],
  ['worker-agent/src/engines/engines.ts', './docker/docker.ts'],
  ['worker-agent/src/engines/docker/planted.ts', 'dockerode'],
  ['worker-agent/src/engines/docker/planted.ts', './api.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../engine.ts'],
  ['worker-agent/src/engines/docker/planted.ts', '../../fetch/addresses.ts'],
  ['worker-agent/src/inputs/planted.ts', './input.ts'],
  ['worker-agent/src/inputs/planted.ts', '../archive/untar.ts'],
  ['worker-agent/src/inputs/inputs.ts', './inline.ts'],
  ['worker-agent/src/publishers/planted.ts', './publisher.ts'],
  ['worker-agent/src/publishers/planted.ts', '@shoal/schema/limits'],
];

/** What lint says of one import in one file; empty when it has nothing against it. */
function lint(file: string, imported: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'borders-'));
  onTestFinished(() => rmSync(tree, { recursive: true }));
  copyFileSync(join(root, '.oxlintrc.json'), join(tree, '.oxlintrc.json'));
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), `import { planted } from '${imported}';\n\nexport const used = planted;\n`);
  const { stdout } = spawnSync(process.execPath, [oxlint, '--format', 'unix', file], { cwd: tree, encoding: 'utf8' });
  return stdout.includes('no-restricted-imports') ? stdout : '';
}

describe('lint refuses', () => {
  test.for(crossing)('in %s an import of %s', ([file, imported]) => {
    expect(lint(file, imported)).toContain('no-restricted-imports');
  });
});

describe('lint lets through', () => {
  test.for(wanted)('in %s an import of %s', ([file, imported]) => {
    expect(lint(file, imported)).toBe('');
  });
});
