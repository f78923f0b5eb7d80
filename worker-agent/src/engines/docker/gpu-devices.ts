import { existsSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Gpu } from '../engine.ts';

const BY_PATH = '/dev/dri/by-path';

/** The file system as far as devices need it; a test brings its own. */
export interface DeviceFiles {
  exists(path: string): boolean;
  /** Where a link leads, as it is written. */
  readLink(path: string): string;
}

const realFiles: DeviceFiles = { exists: existsSync, readLink: (path) => readlinkSync(path) };

/**
 * The devices of cards that have no runtime of their own: AMD's common one, and card and renderer of each.
 * @see Bacalhau pkg/executor/docker: GPU mapping
 */
export function gpuDevices(gpus: readonly Gpu[], files: DeviceFiles = realFiles): string[] {
  const devices = gpus.some((gpu) => gpu.vendor === 'amd') ? ['/dev/kfd'] : [];
  for (const { vendor, pciAddress } of gpus) {
    if (vendor === 'nvidia') continue;
    for (const kind of ['card', 'render']) {
      const link = `${BY_PATH}/pci-${pciAddress}-${kind}`;
      if (files.exists(link)) devices.push(resolve(BY_PATH, files.readLink(link)));
    }
  }
  return devices;
}
