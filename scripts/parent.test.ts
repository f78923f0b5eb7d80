import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchParent } from './parent.mjs';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('that the parent is gone is told once, and nothing before', async () => {
  let parent = 100;
  const onGone = vi.fn();
  watchParent(parent, onGone, () => parent);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(onGone).not.toHaveBeenCalled();
  // Another process takes over what lost its own: init, or a reaper of the user's session.
  parent = 1;
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(onGone).toHaveBeenCalledTimes(1);
});
