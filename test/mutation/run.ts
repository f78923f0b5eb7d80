import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../../cli/src/up/config.ts';
import { mutations, type Mutation } from './mutations.ts';

const HELP = `Changes each entry of the core's tables once, in a copy of the tree, and runs the core's tests on it. Prints the
survivors: changes that no test noticed. They are listed in docs/testing.md.
`;

const WORKERS = 2;

async function main(): Promise<void> {
  const all = mutations((file) => readFileSync(join(root, file), 'utf8'));
  const left = all[Symbol.iterator]();
  const survivors: string[] = [];
  const worker = async () => {
    const tree = copyOfTree();
    for (const mutation of left) if (await survives(tree, mutation)) survivors.push(mutation.name);
    rmSync(tree, { recursive: true, force: true });
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  console.log(`${all.length} mutations, ${survivors.length} survivors`);
  for (const name of survivors.sort()) console.log(`- ${name}`);
}

function copyOfTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'shoal-mutation-'));
  mkdirSync(join(tree, 'test'));
  for (const part of [
    'src',
    'schema',
    'test/harness',
    'test/fakes',
    'test/config',
    'vitest.config.ts',
    'tsconfig.base.json',
    'package.json',
  ]) {
    cpSync(join(root, part), join(tree, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  return tree;
}

async function survives(tree: string, { file, from, to, replacement }: Mutation): Promise<boolean> {
  const path = join(tree, file);
  const original = readFileSync(join(root, file), 'utf8');
  writeFileSync(path, original.slice(0, from) + replacement + original.slice(to));
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const args = ['run', '--project', 'node', '--bail', '1', 'src/core'];
  const child = spawn(process.execPath, [vitest, ...args], { cwd: tree, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  writeFileSync(path, original);
  return code === 0;
}

const { values } = parseArgs({ options: { help: { type: 'boolean' } } });
if (values.help === true) process.stdout.write(HELP);
else await main();
