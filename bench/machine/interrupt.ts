/** What the bench has started and made, and how each is ended when the bench ends before it did so in order. */
const undo = new Set<() => unknown>();

/** So long may that take. */
const END_MS = 20_000;

let isTold = false;

/** True from the signal on: nothing is started any more. */
export function isEnding(): boolean {
  return isTold;
}

/** @returns forgets it again: it was undone in order */
export function onInterrupt(action: () => unknown): () => void {
  undo.add(action);
  return () => undo.delete(action);
}

/** Ends what is left, such as what was given up because it took too long. */
export async function undoAll(): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, END_MS).unref());
  const all = async () => {
    // Newest first: what runs in a work tree is ended before the tree is removed.
    for (const action of [...undo].toReversed()) {
      try {
        await action();
      } catch {
        // The rest is undone all the same.
      }
    }
  };
  await Promise.race([late, all()]);
}

/** Ends the bench on a signal, with all that it started and made; the second press does it at once. */
export function watchSignals(): void {
  const end = async () => {
    isTold = true;
    await undoAll();
    process.exit(130);
  };
  // A terminal's Ctrl-C comes twice: from it and from the launcher.
  const samePressMs = 500;
  let firstAt = 0;
  const signalled = () => {
    if (isTold && performance.now() - firstAt > samePressMs) process.exit(130);
    if (isTold) return;
    firstAt = performance.now();
    void end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, signalled);
  process.on('disconnect', signalled);
}
