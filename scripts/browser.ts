import { spawnSync } from 'node:child_process';
import { aptGet, findProgram, hasApt, isRoot } from '../cli/src/up/docker/apt.ts';

const programs = ['chromium', 'chromium-browser', 'google-chrome'];
const answerMs = 20_000;

/** A browser that answers: some systems have a program of that name that only says where to get one. */
function findBrowser() {
  return programs
    .map(findProgram)
    .find((path) => path !== undefined && spawnSync(path, ['--version'], { timeout: answerMs }).status === 0);
}

/**
 * Finds a browser for tests of pages or, as root on Debian and its kin, installs one.
 * @returns its path; undefined: there is none, and the reason was told
 */
export async function ensureBrowser(tell: (line: string) => void): Promise<string | undefined> {
  const found = findBrowser();
  if (found !== undefined) return found;
  if (!isRoot() || !hasApt()) {
    tell('none here, tests of pages are skipped; install chromium to run them');
    return undefined;
  }
  tell('none here: installing chromium with apt-get');
  if (!(await aptGet(['update']))) tell('apt-get update failed; trying with the package lists that are there');
  const isInstalled = await aptGet(['install', '-y', '--no-install-recommends', 'chromium']);
  const installed = isInstalled ? findBrowser() : undefined;
  if (installed === undefined) tell('chromium could not be installed with apt-get; tests of pages are skipped');
  return installed;
}
