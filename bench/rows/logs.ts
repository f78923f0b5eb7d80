import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { sampleImage } from '../../cli/src/up/docker/image.ts';
import { memoryMbOf } from '../machine/cpu.ts';
import type { BareEngine } from '../machine/docker.ts';
import { jobBody } from '../processes/job.ts';
import { quantile } from '../report/statistics.ts';
import { Unmet, type Row } from '../row.ts';
import type { Installation } from '../trees/installation.ts';
import { withAgent } from './docker.ts';

/** What tasks print, from the container to a viewer. Times are those of /proc/uptime, which both can read: to 10 ms. */

const POLL_MS = 50;
const LINES = { full: 100, quick: 50 };
const LINE_EVERY_S = 0.05;

export const logLine = {
  name: 'log-line',
  measures: {
    p95: { name: 'a line, printed to seen by a viewer, p95', unit: 'ms', better: 'less', target: 300 },
    p50: { name: 'the same, p50', unit: 'ms', better: 'less' },
  },
  rounds: { full: 3, quick: 1 },
  deadlineMs: 60_000,
  needsDocker: true,
  needsLinux: true,
  async open(tree, setting) {
    const { installation } = await withAgent(tree, setting);
    const count = setting.quick ? LINES.quick : LINES.full;
    const script = `i=0; while [ $i -lt ${count} ]; do read a b </proc/uptime; echo $a; i=$((i+1)); sleep ${LINE_EVERY_S}; done`;
    const round = async () => {
      const took: number[] = [];
      const id = await submit(installation, script, 0.5);
      await untilState(installation, id, ['Running', 'Completed']);
      await follow(installation, id, (text) => {
        const at = uptime();
        for (const line of text.trim().split('\n')) took.push((at - Number(line)) * 1_000);
      });
      if (took.length !== count) throw new Unmet(`the viewer saw ${took.length} of ${count} lines`);
      // Those printed before the viewer came were not late.
      const live = took.slice(count / 5);
      return { p95: quantile(live, 0.95), p50: quantile(live, 0.5) };
    };
    return { round, close: () => installation.close() };
  },
} satisfies Row<'p95' | 'p50'>;

const LINE = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.';
const BYTES = 256 * 1024 ** 2;
/** Prints as fast as it can; its last words say how long that took by its own clock, and when it was over. */
const FLOOD = `read a x </proc/uptime; yes ${LINE} | head -c ${BYTES}; read b x </proc/uptime; echo $a $b >&2`;
const SAMPLE_MS = 100;
const CPUS = 1;
const MEMORY = 64_000_000;
/** As agents ask for it, so that Docker does the same work for both. */
const LOG_CONFIG = { Type: 'local', Config: { 'max-size': '128m', 'max-file': '2', compress: 'false' } };

export const logFlood = {
  name: 'log-flood',
  measures: {
    ratio: {
      name: 'a task that prints 256 MiB, its time under an agent against alone',
      unit: 'x',
      better: 'less',
      target: 1.05,
    },
    behind: { name: "a viewer's last byte after the task's end", unit: 's', better: 'less', target: 1 },
    memory: { name: "the agent's memory, most", unit: 'MB', better: 'less', target: 200 },
  },
  rounds: { full: 2, quick: 0 },
  deadlineMs: 120_000,
  needsDocker: true,
  needsLinux: true,
  async open(tree, setting) {
    const { installation, engine } = await withAgent(tree, setting);
    const round = async () => {
      let memory = 0;
      const watch = setInterval(
        () => (memory = Math.max(memory, memoryMbOf(installation.agentPid(1) ?? 0))),
        SAMPLE_MS,
      );
      try {
        const alone = await bareFlood(engine);
        const captured = (await flood(installation, false)).tookS;
        const { behindS } = await flood(installation, true);
        return { ratio: captured / alone, behind: behindS, memory };
      } finally {
        clearInterval(watch);
      }
    };
    return { round, close: () => installation.close() };
  },
} satisfies Row<'ratio' | 'behind' | 'memory'>;

/** In a container that Docker logs for nobody, s. */
async function bareFlood(engine: BareEngine): Promise<number> {
  const host = { NanoCpus: CPUS * 1e9, Memory: MEMORY, LogConfig: LOG_CONFIG };
  const id = await engine.start(['sh', '-c', FLOOD], host);
  await engine.call('POST', `/containers/${id}/wait`);
  const said = await engine.call('GET', `/containers/${id}/logs?stderr=true`);
  await engine.call('DELETE', `/containers/${id}?force=true&v=true`);
  return timesIn(said).tookS;
}

/** Under the agent; `behindS` is the viewer's, if there is one. */
async function flood(installation: Installation, isFollowed: boolean): Promise<{ tookS: number; behindS: number }> {
  const id = await submit(installation, FLOOD, CPUS);
  await untilState(installation, id, ['Running']);
  let seen = 0;
  let lastAt = 0;
  if (isFollowed) {
    await follow(installation, id, (text) => {
      seen += text.length;
      lastAt = uptime();
    });
    if (seen !== BYTES) throw new Unmet(`the viewer saw ${seen} of ${BYTES} bytes`);
  }
  await untilState(installation, id, ['Completed'], 500);
  const { Items } = (await installation.client.get(`/jobs/${id}/executions`)) as {
    Items: readonly { RunOutput: { stderr: string } }[];
  };
  const { tookS, endedAt } = timesIn(Items[0]?.RunOutput.stderr ?? '');
  return { tookS, behindS: Math.max(0, lastAt - endedAt) };
}

function timesIn(text: string): { tookS: number; endedAt: number } {
  const [, from, to] = /(\d+\.\d+) (\d+\.\d+)/.exec(text) ?? [];
  if (from === undefined || to === undefined) throw new Unmet(`the task did not say its times: ${text.slice(-200)}`);
  return { tookS: Number(to) - Number(from), endedAt: Number(to) };
}

export function submit({ client }: Installation, script: string, cpu: number): Promise<string> {
  const plan = { image: sampleImage, entrypoint: ['sh', '-c', script], network: 'None', cpu, memory: MEMORY };
  return client.submit(jobBody(plan));
}

export async function untilState(
  { client }: Installation,
  id: string,
  states: readonly string[],
  everyMs = POLL_MS,
): Promise<void> {
  for (;;) {
    const { state, message } = await client.job(id);
    if (states.includes(state)) return;
    if (state === 'Failed' || state === 'Stopped') throw new Unmet(`the job is ${state}: ${message}`);
    await sleep(everyMs);
  }
}

/** Reads a job's standard output to its end. */
export function follow({ url }: Installation, id: string, take: (text: string) => void): Promise<void> {
  const address = `${url.replace('http', 'ws')}/api/v1/orchestrator/jobs/${id}/logs?follow=true`;
  const socket = new WebSocket(address, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.on('error', (error) => reject(new Unmet(`the log: ${error.message}`)));
    socket.on('message', (data: Buffer) => {
      const { value, error } = JSON.parse(data.toString('utf8')) as {
        value?: { Type: number; Line: string };
        error?: string;
      };
      if (error !== undefined && error !== '') reject(new Unmet(`the log: ${error}`));
      if (value?.Type === 1) take(value.Line);
    });
    socket.on('close', () => resolve());
  });
}

function uptime(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}
