/** A change of one place in the source that breaks a promise; the simulation has to find it. */
export interface PlantedBug {
  readonly name: string;
  /** From the root of the tree. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'the guard is dropped',
    file: 'src/store/memory-store.ts',
    find: 'fence === undefined || fence.epoch !== batch.epoch || fence.commitSeq !== batch.commitSeq',
    replace: 'fence === undefined',
  },
  {
    name: 'rows are loaded before the epoch moves',
    file: 'test/sim/world/database.ts',
    find: 'return this.#ask(async () => {\n      const opened = await this.#database.rows.open(cell, now);',
    replace:
      'const { rows } = this.#database;\n' +
      '    const early = rows.load(cell, rows.fences.get(cell) ?? { epoch: 0, commitSeq: 0, commitId: "", nextWake: 0, clock: 0 });\n' +
      '    return this.#ask(async () => {\n' +
      '      const { fence } = await rows.open(cell, now);\n' +
      '      const opened = { fence, loaded: { ...early, epoch: fence.epoch, clock: fence.clock } };',
  },
  {
    name: 'reports are not acknowledged',
    file: 'src/core/events/report.ts',
    find: "turn.send(session, { type: 'ackReport', executionId: report.executionId, seq: report.seq });",
    replace: '',
  },
  {
    name: 'nodes have twice the room they have',
    file: 'src/core/rooms.ts',
    find: 'return atLeastNothing(subtract(capacity, charged));',
    replace: 'return atLeastNothing(subtract(add(capacity, capacity), charged));',
  },
  {
    name: 'the lease is forgotten',
    file: 'src/core/dispatch.ts',
    find: "if (timers.get('lease', nodeId) === null) timers.set(",
    replace: "if (timers.get('lease', nodeId) !== null) timers.set(",
  },
  {
    name: 'a late report counts',
    file: 'src/core/events/report.ts',
    find: 'execution === undefined || !isOpen(execution) || report.seq <= execution.lastSeq',
    replace: 'execution === undefined',
  },
  {
    name: 'the deadline of the acknowledgement is forgotten',
    file: 'src/core/dispatch.ts',
    find: "turn.world.timers.set('ack', execution.id, turn.now + ACK_MS);",
    replace: '',
  },
  {
    name: 'a stop without an answer is not sent again',
    file: 'src/core/dispatch.ts',
    find: "turn.world.timers.set('stop', execution.id, turn.now + againMs);",
    replace: '',
  },
  {
    name: 'a completion counts although it was fenced and the partition is done',
    file: 'src/core/events/report.ts',
    find: 'if (isLive(execution)) return true;',
    replace: 'return true;',
  },
  {
    name: 'the alarm is not set',
    file: 'src/scheduler/orchestrator.ts',
    find: 'await this.#armAlarm(reign);',
    replace: '',
  },
  {
    name: 'frames leave before the commit',
    file: 'src/scheduler/orchestrator.ts',
    find: 'await this.#commit(reign, turn);\n    await this.#speak(reign, turn);',
    replace: 'await this.#speak(reign, turn);\n    await this.#commit(reign, turn);',
  },
  {
    name: 'answers leave before the commit',
    file: 'src/scheduler/orchestrator.ts',
    find: 'await this.#commit(reign, turn);\n    await this.#speak(reign, turn);',
    replace:
      'taken.forEach(({ resolve }, i) => resolve(replies[i] ?? null));\n' +
      '    await this.#commit(reign, turn);\n    await this.#speak(reign, turn);',
  },
  {
    name: 'a command that is sent again is a new one',
    file: 'src/scheduler/hydrate.ts',
    find: 'if (event.command.retry) retried.set',
    replace: 'if (event.command.retry && retried.size < 0) retried.set',
  },
  {
    name: 'an unknown outcome is taken for a failure',
    file: 'src/scheduler/commit.ts',
    find: "if (fence.commitId === batch.commitId) return { type: 'committed', databaseBytes: 0, pruned: 0 };",
    replace: "if (fence.commitId === batch.commitId) return { type: 'refused', reason: 'lost' };",
  },
  {
    name: 'a hibernated object takes every alarm for a lease',
    file: 'src/scheduler/orchestrator.ts',
    find: 'if (isSoonEnough && isKnown) return;',
    replace: 'if (isSoonEnough) return;',
  },
  {
    name: 'every start gives all deadlines new time',
    file: 'src/core/events/start.ts',
    find: 'const wasAway = alarmWasMissed ||',
    replace: 'const wasAway = turn.now > 0 || alarmWasMissed ||',
  },
  {
    name: 'a hello is greeted twice',
    file: 'src/scheduler/reception.ts',
    find: 'if (sender !== null) return this.#traffic.add({ ignored: 1 });',
    replace: '',
  },
  {
    name: 'the agent runs again what it has ended',
    file: 'worker-agent/src/executions/supervisor.ts',
    find:
      'const entry = this.#ports.journal.entries.get(executionId);\n' +
      "    if (entry?.state === 'ended') return this.#answerFinished(entry);",
    replace:
      "const entry = frame.type === 'run' ? undefined : this.#ports.journal.entries.get(executionId);\n" +
      "    if (entry?.state === 'ended') return this.#answerFinished(entry);",
  },
  {
    name: 'a rejected node gets work',
    file: 'src/core/placement/filters.ts',
    find: "if (node.membership === 'APPROVED') return null;",
    replace: "if (node.membership !== 'PENDING') return null;",
  },
  {
    name: 'room is kept on nodes that declined the job',
    file: 'src/core/placement/reservation.ts',
    find: 'return takersOf(turn, job, among)',
    replace: "return takersOf(turn, { ...job, id: '' as JobId }, among)",
  },
  {
    name: 'room that is held for ever counts as coming free',
    file: 'src/core/placement/reservation.ts',
    find: 'fits(need, subtract(room.capacity, room.endless))',
    replace: 'fits(need, room.capacity)',
  },
  {
    name: 'no room is ever kept',
    file: 'src/core/placement/reservation.ts',
    find: 'const isDone = world.reservations.hold !== null || beginHold(turn);',
    replace: 'const isDone = true;',
  },
  {
    name: 'a hold that lapsed is taken again by the same job at once',
    file: 'src/core/placement/reservation.ts',
    find: 'restUntil: turn.now + holdMs(times - 1),',
    replace: 'restUntil: turn.now,',
  },
];
