import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root } from '../../cli/src/up/config.ts';
import { COMPLETED, dockerJob } from '../harness/api.ts';
import { Launched } from '../harness/launched.ts';
import { freePort } from '../harness/free-port.ts';

const jobCount = 20;
const killAfterMs = 3_000;
const summary: string[] = [];

let shoal: Launched;
beforeAll(async () => {
  const state = mkdtempSync(join(tmpdir(), 'kill-'));
  shoal = new Launched({ cwd: root, state, port: await freePort() });
  await shoal.printed('Shoal is up', 60_000);
});
afterAll(async () => {
  await shoal.interrupt();
  process.stdout.write(`\n${summary.join('\n')}\n\n`);
});

/** A word survives the wire only if the task really ran. */
async function submitSleeper() {
  const word = randomUUID();
  const id = await shoal.api.submit(dockerJob(['sh', '-c', `sleep 5; echo ${word}`]));
  return { id, word };
}

test.for([
  ['workerd', ['workerd']],
  ['the agent', ['agent-1']],
  ['workerd and the agent at once', ['workerd', 'agent-1']],
  ['the process that holds workerd', ['worker-host']],
] as const)('kill -9 of %s loses nothing and runs nothing twice', async ([what, victims]) => {
  const begin = Date.now();
  const jobs = await Promise.all(Array.from({ length: jobCount }, submitSleeper));
  await sleep(Math.max(0, begin + killAfterMs - Date.now()));
  for (const victim of victims) shoal.kill(victim);
  let right = 0;
  let doubled = 0;
  for (const { id, word } of jobs) {
    await shoal.api.waitForJob(id, 'Completed', 90_000);
    const executions = await shoal.api.executions(id);
    const completed = executions.filter((execution) => execution.ComputeState.StateType === COMPLETED);
    if (completed.length !== 1) doubled += 1;
    if (completed[0]?.RunOutput.Stdout === `${word}\n`) right += 1;
  }
  const seconds = ((Date.now() - begin) / 1000).toFixed(1);
  summary.push(
    `kill -9 of ${what}: ${right} of ${jobCount} jobs Completed with the right word in ${seconds} s, ` +
      `${doubled} without exactly one Completed execution`,
  );
  expect({ right, doubled }).toEqual({ right: jobCount, doubled: 0 });
});
