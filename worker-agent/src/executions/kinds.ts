/** The member of a registry of that type, in any case; null where there is none. */
export function findByType<T extends { readonly type: string }>(all: readonly T[], type: string): T | null {
  return all.find((one) => one.type === type.toLowerCase()) ?? null;
}
