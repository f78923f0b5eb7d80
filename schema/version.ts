/** Shoal's own version, shown in `X-Shoal-Version` and in a node's hello. */
export const SHOAL_VERSION = '0.1.0';

/** The contract that is served: Bacalhau's HTTP API of this release, so that its clients know what to expect. */
export const API_VERSION = {
  Major: '1',
  Minor: '9',
  GitVersion: 'v1.9.3',
  GitCommit: 'e28960c75f0b',
  BuildDate: '2025-11-20T10:11:12Z',
  GOOS: 'linux',
  GOARCH: 'amd64',
} as const;
