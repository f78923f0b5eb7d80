/** A semantic version, its missing parts 0. */
interface Version {
  readonly numbers: readonly [number, number, number];
  readonly isPrerelease: boolean;
}

/** Null when the text is no version. Lenient: `v1.9` is one. */
export function parseVersion(text: string): Version | null {
  const match = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/.exec(text);
  if (match === null) return null;
  const [, major, minor = '0', patch = '0', prerelease] = match;
  return { numbers: [Number(major), Number(minor), Number(patch)], isPrerelease: prerelease !== undefined };
}

/** A pre-release of the limit itself comes before it. */
export function isBefore(version: Version, limit: string): boolean {
  const most = parseVersion(limit)?.numbers ?? [0, 0, 0];
  for (const [i, number] of version.numbers.entries()) {
    if (number !== (most[i] ?? 0)) return number < (most[i] ?? 0);
  }
  return version.isPrerelease;
}

/** What a build of no release calls itself. */
export function isUnreleased(text: string): boolean {
  return /^v?0\.0\.0(-|$)/.test(text);
}
