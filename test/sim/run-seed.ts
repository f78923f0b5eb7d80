import { Simulation, type Result } from './simulation.ts';

/** Runs one seed to its end or to the first broken promise. One at a time: an error that nobody handles is its own. */
export async function runSeed(seed: number, keepTrace: boolean): Promise<Result> {
  const simulation = new Simulation(seed, keepTrace);
  const onError = (error: unknown) => simulation.fail(error);
  process.on('unhandledRejection', onError);
  process.on('uncaughtException', onError);
  try {
    return await simulation.run();
  } finally {
    process.off('unhandledRejection', onError);
    process.off('uncaughtException', onError);
  }
}
