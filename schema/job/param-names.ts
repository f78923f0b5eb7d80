/** Names of parameters as users spell them; case does not matter. Types that are not named may have any. */

export const dockerParamNames = [
  'Image',
  'Entrypoint',
  'Parameters',
  'EnvironmentVariables',
  'WorkingDirectory',
  'Capabilities',
] as const;

const wasmParamNames = ['EntryModule', 'Entrypoint', 'Parameters', 'EnvironmentVariables', 'ImportModules'];
const localNames = ['SourcePath', 'ReadWrite', 'CreateAs'];

/** Where a type with parameters stands in a job. */
export type ParamsPlace = 'Engine' | 'Publisher' | 'Source';

/** By lower-case type. @see Bacalhau pkg/executor, pkg/storage, pkg/publisher: their models */
export const paramNames: Readonly<Record<ParamsPlace, Readonly<Record<string, readonly string[]>>>> = {
  Engine: { docker: dockerParamNames, wasm: wasmParamNames },
  Publisher: { s3: ['Bucket', 'Key', 'Endpoint', 'Region', 'Encoding'] },
  Source: {
    inline: ['URL'],
    ipfs: ['CID'],
    local: localNames,
    localdirectory: localNames,
    s3: ['Bucket', 'Key', 'Filter', 'Region', 'Endpoint', 'VersionID', 'ChecksumSHA256', 'Partition'],
    urldownload: ['URL'],
  },
};
