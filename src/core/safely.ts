import type { Turn } from './turn.ts';

/**
 * Runs one step about one job, execution or node. Should it throw, the operator is told and the rest goes on: one that is
 * broken never blocks the others.
 * @returns whether it went well
 */
export function safely(turn: Turn, subject: string, step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    turn.notes.push(`${subject}: ${String(error)}`);
    return false;
  }
}
