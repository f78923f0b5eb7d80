/**
 * Seeds that once broke a promise, with what was found. A seed tells another story whenever the simulation changes, so
 * the bugs that can be planted again stand in `planted-bugs.ts` as well.
 */
export const regressions: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 7, found: 'a command that was carried out got an error when its answer was looked up while D1 was away' },
  { seed: 14, found: 'a hibernating object gave a lost node new time with every start' },
  { seed: 32, found: 'a second, late hello on a socket made running executions lost' },
  { seed: 33, found: 'a job was stopped in the turn that completed it' },
  { seed: 84, found: 'a hello that waited in a replaced Scheduler made running executions lost' },
  { seed: 104, found: 'an alarm rang in circles while the object was behind the clock' },
  { seed: 167, found: 'an alarm that rang early by the clock of the object was never set again' },
  { seed: 200, found: 'a hibernated object took an alarm for one about leases and slept through a retry' },
  { seed: 203, found: 'an agent reported an end that its journal did not hold yet' },
  { seed: 2131, found: 'an agent ran an execution that it had declined' },
  { seed: 3915, found: 'a deleted node whose socket outlived the object got work' },
  { seed: 5192, found: 'a batch that was sent before a refusal arrived after it' },
  { seed: 5675, found: 'a hello of a dead agent arrived after that of the next one' },
  { seed: 3, found: 'a report of a task that ran on was quarantined as its failure' },
  { seed: 21101, found: 'a replaced Scheduler answered by what it remembered' },
  { seed: 30782, found: 'a command that was sent again got an error although the first one had been carried out' },
  { seed: 31099, found: 'a daemon left out a silent node for ever' },
  { seed: 33246, found: 'a Scheduler that started often put off the heartbeats of its agents for ever' },
  { seed: 3389, found: 'a command that waited in a starting Scheduler was carried out again after its repetition' },
];
