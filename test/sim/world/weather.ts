/** How likely things go wrong at present, each from 0 to 1; all 0 means fair weather. */
export class Weather {
  frameLost = 0;
  frameDoubled = 0;
  frameReordered = 0;
  frameDelayed = 0;
  dialFails = 0;
  /** The batch is not written, and the answer is an unclear error. */
  commitFailsBefore = 0;
  /** The batch is written, and the answer is lost. */
  commitFailsAfter = 0;
  /** The batch is written some time after an unclear error was answered. */
  commitLate = 0;
  /** No answer ever comes; written or not. */
  commitSilent = 0;
  /** A clear error of the batch itself. */
  commitRefused = 0;
  readFails = 0;
  storeSlow = 0;
  alarmLate = 0;
  alarmDoubled = 0;
  callFails = 0;

  clear(): void {
    Object.assign(this, new Weather());
  }
}
