import { agentAttacks } from './agents.ts';
import type { Attack } from './attack.ts';
import { bodyAttacks } from './bodies.ts';
import { callerAttacks } from './callers.ts';

export const attacks: readonly Attack[] = [...bodyAttacks, ...callerAttacks, ...agentAttacks];
