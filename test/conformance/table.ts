import type { Case } from './case.ts';
import { agentCases } from './cases/agent.ts';
import { authCases } from './cases/auth.ts';
import { commandCases } from './cases/commands.ts';
import { followedCases } from './cases/followed.ts';
import { jobCases } from './cases/jobs.ts';
import { nodeCases } from './cases/nodes.ts';
import { serverCases } from './cases/server.ts';
import { submitCases } from './cases/submit.ts';

/** In order: those that only read come before those that change the world. */
export const table: readonly Case[] = [
  ...serverCases,
  ...agentCases,
  ...authCases,
  ...jobCases,
  ...followedCases,
  ...nodeCases,
  ...commandCases,
  ...submitCases,
];
