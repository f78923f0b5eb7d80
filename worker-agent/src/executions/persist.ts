import { EngineError } from '../engines/engine.ts';
import { pause, type Clock } from '../ports.ts';

/** How long a task outlives its engine's silence. */
const ENGINE_PATIENCE_MS = 5 * 60_000;
const ENGINE_RETRY_MS = 1_000;
const MAX_ENGINE_RETRY_MS = 10_000;
/** A call that lasted longer than any deadline of the engine's was not met by silence. */
const ANSWERED_MS = 60_000;

export function isUnreachable(error: unknown): boolean {
  return error instanceof EngineError && error.unreachable;
}

/**
 * Repeats what the engine did not answer, with a back-off, for a few minutes of silence; then its error comes through.
 * @param until ends the repeating early
 */
export async function persist<T>(
  clock: Clock,
  ask: () => Promise<T>,
  until?: AbortSignal,
  onSilence: () => void = () => {},
): Promise<T> {
  let silentSince: number | null = null;
  for (let delayMs = ENGINE_RETRY_MS; ; delayMs = Math.min(delayMs * 2, MAX_ENGINE_RETRY_MS)) {
    const askedAt = clock.monotonic();
    try {
      return await ask();
    } catch (error) {
      if (!isUnreachable(error) || until?.aborted === true) throw error;
      const now = clock.monotonic();
      // A wait that broke after an hour was answered before: the silence begins now.
      if (silentSince === null || now - askedAt > ANSWERED_MS) silentSince = now;
      if (askedAt - silentSince > ENGINE_PATIENCE_MS) throw error;
    }
    onSilence();
    await pause(clock, delayMs, until);
  }
}
