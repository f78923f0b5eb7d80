/** What is left behind when the bench is ended from outside is undone by these, newest first; they must not wait. */
const undo = new Set<() => void>();

/** @returns forgets it again: it was undone in order */
export function onInterrupt(action: () => void): () => void {
  undo.add(action);
  return () => undo.delete(action);
}

/** Ends the bench on a signal, with all that it started and made. */
export function watchSignals(): void {
  const end = () => {
    for (const action of [...undo].toReversed()) {
      try {
        action();
      } catch {
        // The rest is undone all the same.
      }
    }
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.on('disconnect', end);
}
