import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFailure } from '@shoal/schema/protocol/common';
import type { RunOutput } from '@shoal/schema/records';
import type { Recording } from '../../logs/recorder.ts';
import { findByType } from '../kinds.ts';
import { outcomeOfStop, type Outcome } from '../outcome.ts';
import { persist } from '../persist.ts';
import type { Life, RunEnd, Step } from './step.ts';

/** Reads the rest of what the task printed, says what became of it, and puts its results into a folder where one is wanted. */
export const collect: Step = {
  name: 'collect',
  phase: 'collect',
  failureClass: 'infrastructure',
  topic: 'Running Execution',
  applies: ({ end }) => end !== null,
  // What follows may be repeated by an agent that did not see the end.
  record: ({ task, end, phases }) => {
    const { executionId, task: asked } = task.run;
    if (asked.Publisher.Type === '' || end === null || end.request !== null || end.lost !== null) return null;
    return { type: 'ran', executionId, end: end.ended, phases: { ...phases } };
  },
  prepare: async (life) => {
    const { end, recording, ports } = life;
    if (end === null || recording === null) return;
    await persist(ports.clock, () => recording.finish());
    life.outcome = outcomeOf(end, (exitCode, errorMessage) => {
      life.output = { ...recording.heads(), exitCode, errorMessage };
      return life.output;
    });
    if (life.outcome.type === 'completed') await fillFolder(life, recording, end);
  },
};

function outcomeOf({ ended, request, lost }: RunEnd, output: (exitCode: number, error: string) => RunOutput): Outcome {
  if (request !== null) return outcomeOfStop(request, output(-1, request.message));
  if (ended.outOfMemory) {
    const hint = 'Ask for more with Resources.Memory.';
    const failure = makeFailure('environment', 'Running Execution', 'memory limit exceeded', hint);
    return { type: 'failed', failure, output: output(ended.exitCode, failure.message) };
  }
  if (lost !== null) {
    const failure = makeFailure('infrastructure', 'Running Execution', lost);
    return { type: 'failed', failure, output: output(ended.exitCode, failure.message) };
  }
  return { type: 'completed', output: output(ended.exitCode, '') };
}

/** As Bacalhau's results: the streams, and the exit code as text. */
async function fillFolder(life: Life, recording: Recording, { ended }: RunEnd): Promise<void> {
  const { folders, publishers } = life.ports;
  const { executionId, task } = life.task.run;
  if (folders === null || findByType(publishers, task.Publisher.Type)?.collects !== true) return;
  const folder = await folders.results(executionId);
  const files = { stdout: await open(join(folder, 'stdout'), 'w'), stderr: await open(join(folder, 'stderr'), 'w') };
  try {
    for await (const chunks of recording.output()) {
      for (const { stream, bytes } of chunks) await files[stream].writeFile(bytes);
    }
  } finally {
    await files.stdout.close();
    await files.stderr.close();
  }
  await writeFile(join(folder, 'exitCode'), String(ended.exitCode));
  life.folder = folder;
}
