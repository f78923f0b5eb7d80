import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBrowser } from '../browser.ts';
import { root } from '../../cli/src/up/config.ts';
import { stopDaemon } from '../../cli/src/up/docker/daemon.ts';
import { ensureEngine } from '../../cli/src/up/docker/engine.ts';
import { ensureImage } from '../../cli/src/up/docker/image.ts';
import { endProcess, processesNaming, recordOf } from '../../cli/src/up/processes.ts';
import { UserError, messageOf, say } from '../../cli/src/say.mjs';
import { openState } from '../../cli/src/up/state.ts';
import { buildAll } from '../../cli/src/up/worker/bundle.ts';
import { projects, type TestProject } from '../../test/config/projects.ts';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** What tests find in their environment. */
interface Needs {
  readonly folder: string;
  readonly dockerHost: string | undefined;
  readonly browser: string | undefined;
  readonly signal: AbortSignal;
}

const projectDeadlineMs = 30 * 60_000;

/** Brings up what tests need in a folder that is gone afterwards. */
async function withNeeds<T>(use: (needs: Needs) => Promise<T>, chosen: readonly TestProject[]): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'));
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
  try {
    openState(folder);
    mkdirSync(join(folder, 'tmp'));
    await buildAll();
    const isNeeded = (what: TestProject['needs'][number]) => chosen.some(({ needs }) => needs.includes(what));
    const dockerHost = isNeeded('docker') ? await bringDocker(folder) : undefined;
    const browser = isNeeded('browser') ? await bringBrowser() : undefined;
    return await use({ folder, dockerHost, browser, signal: stopping.signal });
  } finally {
    const left = processesNaming(`${join(folder, 'tmp')}/`).flatMap((pid) => recordOf(pid) ?? []);
    await Promise.all(left.map((record) => endProcess(record, 0)));
    await stopDaemon(folder);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bringBrowser() {
  const browser = await ensureBrowser((line) => say(`Browser: ${line}`));
  if (browser !== undefined) say(`Browser: ${browser}`);
  return browser;
}

async function bringDocker(folder: string): Promise<string | undefined> {
  const { engine, ...search } = await ensureEngine(folder, process.env, (line) => say(`Docker: ${line}`));
  if (engine === undefined) {
    say(`Docker: ${'reason' in search ? search.reason : 'none'}`);
    return undefined;
  }
  say(`Docker: ${engine.dockerHost}`);
  try {
    say(`Image: ${await ensureImage(engine.dockerHost, join(folder, 'tmp'))}`);
    return engine.dockerHost;
  } catch (error) {
    say(`Image: ${messageOf(error)}`);
    return undefined;
  }
}

/** @returns what ran, by the runner's own count; a runner that could not start or ran nothing is a failure */
async function runProject(project: TestProject, { folder, dockerHost, browser, signal }: Needs): Promise<Counts> {
  const { name } = project;
  if (project.needs.includes('docker') && dockerHost === undefined) {
    say(`${name}: cannot run without a Docker engine that has the image`);
    return { passed: 0, failed: 1 };
  }
  const countsFile = join(folder, `${name}.json`);
  const runner = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=./test/config/count-reporter.ts'];
  const child = spawn(process.execPath, [runner, 'run', '--project', name, ...reporters], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(projectDeadlineMs)]),
    env: {
      ...process.env,
      TMPDIR: join(folder, 'tmp'),
      SHOAL_TEST_COUNTS: countsFile,
      ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
      ...(browser === undefined ? {} : { SHOAL_TEST_BROWSER: browser }),
    },
  });
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => say(`${name}: ${error.message}`));
    child.once('close', (code) => resolve(code ?? 1));
  });
  return countsOf(countsFile, code);
}

/** @param code the runner's exit code */
function countsOf(file: string, code: number): Counts {
  try {
    const { passed, failed, files } = JSON.parse(readFileSync(file, 'utf8'));
    return { passed, failed: failed === 0 && (code !== 0 || files === 0) ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

async function runProjects(chosen: readonly TestProject[]): Promise<Counts> {
  const total = { passed: 0, failed: 0 };
  await withNeeds(async (needs) => {
    for (const project of chosen) {
      if (needs.signal.aborted) total.failed += 1;
      if (needs.signal.aborted) return;
      const counts = await runProject(project, needs);
      total.passed += counts.passed;
      total.failed += counts.failed;
    }
  }, chosen);
  return total;
}

/** All standard tests, or those of the projects that are named. The last line is for machines. */
export async function test(args: readonly string[]): Promise<number> {
  const standard = projects.filter((project) => project.standard);
  const unknown = args.find((arg) => standard.every(({ name }) => name !== arg));
  if (unknown !== undefined)
    throw new UserError(
      `unknown argument ${unknown}: give none, or some of ${standard.map(({ name }) => name).join(', ')}`,
    );
  return finish(await runProjects(standard.filter(({ name }) => args.length === 0 || args.includes(name))));
}

/** The tests of one project that is not standard. */
export async function testOnly(project: TestProject): Promise<number> {
  return finish(await runProjects([project]));
}

function finish({ passed, failed }: Counts) {
  say(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}
