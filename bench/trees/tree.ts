import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { root } from '../../cli/src/up/config.ts';
import { UserError } from '../../cli/src/say.mjs';
import { onInterrupt } from '../machine/interrupt.ts';
import { loadLauncher, runScript, type Launcher } from './launcher.ts';

/** A version of Shoal on disk, built. Only its own Worker, launcher and agent are run, and spoken to from outside. */
export interface Tree {
  /** What the table calls it. */
  readonly label: string;
  readonly root: string;
  /** Short hash, with `+` when files differ from it; empty outside git. */
  readonly commit: string;
  readonly launcher: Launcher;
}

const BUILD_MS = 10 * 60_000;

/** This tree. */
export async function ownTree(): Promise<Tree> {
  return openTree(root, 'this');
}

/**
 * @param where a folder that holds a clone, else a commit of this one, for which a work tree is made, until the bench ends
 * @throws UserError when it is neither, or cannot be built
 */
export async function otherTree(where: string): Promise<Tree> {
  const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), where);
  if (existsSync(join(folder, 'package.json'))) return openTree(folder, where);
  const commit = commitOf(where);
  const made = join(mkdtempSync(join(tmpdir(), 'shoal-against-')), 'tree');
  onInterrupt(() => {
    git(['worktree', 'remove', '--force', made]);
    rmSync(join(made, '..'), { recursive: true, force: true });
  });
  if (git(['worktree', 'add', '--detach', made, commit]) === undefined) {
    throw new UserError(`--against ${where}: git made no work tree at ${made}`);
  }
  return openTree(made, where);
}

function commitOf(name: string): string {
  const found = name.startsWith('-') ? undefined : git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  if (found === undefined) throw new UserError(`--against ${name}: neither a folder with a clone nor a commit`);
  return found;
}

async function openTree(folder: string, label: string): Promise<Tree> {
  await build(folder);
  return { label, root: folder, commit: commitIn(folder), launcher: await loadLauncher(folder) };
}

/** As its users do: installs what its lock says, then makes both bundles. */
async function build(folder: string): Promise<void> {
  const script = runScript(folder);
  if (script === undefined) throw new UserError(`${folder} is no clone of Shoal: it has no scripts/run.mjs`);
  const child = spawn(process.execPath, [script, 'build'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: BUILD_MS,
  });
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('exit', done));
  if (code !== 0) throw new UserError(`${folder} could not be built; what it says is above`);
}

function commitIn(folder: string): string {
  const hash = git(['rev-parse', '--short', 'HEAD'], folder);
  if (hash === undefined) return '';
  return git(['status', '--porcelain'], folder) === '' ? hash : `${hash}+`;
}

/** What git says; undefined when it fails. */
function git(args: readonly string[], cwd = root): string | undefined {
  try {
    return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}
