import { readChunks } from '../../schema/protocol/log-link.ts';
import { LOG_PULL_BYTES } from '../../schema/limits.ts';
import type { LogParts } from './parts.ts';
import type { Format } from './sinks.ts';

/** Bytes of a text, the last one included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const RANGE = /^bytes=(\d*)-(\d*)$/;

/** What a `Range` header asks of so many bytes; null when it is none that counts, as if it were not there. */
export function readRange(header: string, total: number): Range | 'unsatisfiable' | null {
  const [, from = '', to = ''] = RANGE.exec(header.trim()) ?? [];
  if (from === '' && to === '') return null;
  if (from === '') {
    const wanted = Math.min(Number(to), total);
    return wanted === 0 ? 'unsatisfiable' : { first: total - wanted, last: total - 1 };
  }
  const [first, last] = [Number(from), to === '' ? total - 1 : Math.min(Number(to), total - 1)];
  if (to !== '' && Number(to) < first) return null;
  return first < total ? { first, last } : 'unsatisfiable';
}

/** How long the text of a log is that is stored as a whole. @param stream null: both */
export async function textLength(parts: LogParts, stream: number | null): Promise<number> {
  let total = 0;
  let from = 0;
  for (;;) {
    const piece = await parts.read(from, LOG_PULL_BYTES);
    if (piece === null) throw new Error(`the log is not stored at offset ${from}`);
    for (const chunk of readChunks(piece.chunks)) {
      if (stream === null || chunk.stream === stream) total += chunk.bytes.length;
    }
    if (piece.end) return total;
    from = piece.next;
  }
}

/** Of what a format makes only these bytes. */
export function rangeFormat(format: Format, { first, last }: Range): Format {
  let at = 0;
  return {
    write(chunks) {
      const bytes = format.write(chunks);
      const [from, to] = [first - at, last + 1 - at].map((end) => Math.min(Math.max(end, 0), bytes.length));
      at += bytes.length;
      return bytes.subarray(from, to);
    },
    end: (error) => format.end(error),
  };
}
