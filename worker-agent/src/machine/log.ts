import { pino } from 'pino';
import type { Log } from '../ports.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines on stdout: `{"level":"info","ts":"...","nodeId":"...","event":"..."}`. Written at once, so a crash loses none. */
export function makeLog(level: LogLevel, nodeId: string): Log {
  const logger = pino(
    {
      level,
      base: { nodeId },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 1, sync: true }),
  );
  return {
    info: (event, fields) => logger.info({ event, ...fields }),
    warn: (event, fields) => logger.warn({ event, ...fields }),
    error: (event, fields) => logger.error({ event, ...fields }),
  };
}
