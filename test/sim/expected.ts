/** What a thousand seeds must have met. */
const expected: readonly string[] = [];

export function neverMet(totals: ReadonlyMap<string, number>): string[] {
  return expected.filter((what) => (totals.get(what) ?? 0) === 0);
}
