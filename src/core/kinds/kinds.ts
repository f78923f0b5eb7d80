import type { JobType } from '../../../schema/states.ts';
import { batch } from './batch.ts';
import { daemon } from './daemon.ts';
import type { Kind } from './kind.ts';
import { ops } from './ops.ts';
import { service } from './service.ts';

/** How each type of job is arranged. */
export const kinds: Readonly<Record<JobType, Kind>> = { batch, service, ops, daemon };
