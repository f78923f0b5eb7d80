const lookEveryMs = 500;

/**
 * Tells that the process which started this one is gone. npm hands on only some signals and cannot hand on SIGKILL; what it
 * ran would go on without anybody who could end it.
 * @param {number} pid of the process that started this one
 * @param {() => void} onGone
 * @param {() => number} [parent]
 */
export function watchParent(pid, onGone, parent = () => process.ppid) {
  const timer = setInterval(() => {
    if (parent() === pid) return;
    clearInterval(timer);
    onGone();
  }, lookEveryMs);
  timer.unref();
}
