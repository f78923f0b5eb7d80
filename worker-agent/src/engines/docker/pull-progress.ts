import { z } from 'zod';

const Line = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  error: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
});

/** How far a pull is, from the lines that Docker says about each layer. */
export class PullProgress {
  readonly #layers = new Map<string, { current: number; total: number }>();

  get currentBytes(): number {
    return this.#sum('current');
  }

  /** Of the layers that have begun; grows while others do. */
  get totalBytes(): number {
    return this.#sum('total');
  }

  /** @throws an error of Docker's: a pull that fails half-way says so in its stream, under status 200 */
  take(text: string): void {
    if (text.trim() === '') return;
    const line = parse(text);
    if (line === null) return;
    if (line.error !== undefined) throw answered(line.error);
    const { id, status, progressDetail } = line;
    if (id === undefined || status !== 'Downloading') return;
    this.#layers.set(id, { current: progressDetail?.current ?? 0, total: progressDetail?.total ?? 0 });
  }

  #sum(part: 'current' | 'total'): number {
    let sum = 0;
    for (const layer of this.#layers.values()) sum += layer[part];
    return sum;
  }
}

function parse(text: string): z.infer<typeof Line> | null {
  try {
    const read = Line.safeParse(JSON.parse(text));
    return read.success ? read.data : null;
  } catch {
    return null;
  }
}

/** An error of Docker's, not of the connection to it: those carry a status. */
export function answered(text: string): Error {
  return Object.assign(new Error(text), { statusCode: 200 });
}
