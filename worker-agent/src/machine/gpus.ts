import { execFile } from 'node:child_process';
import { z } from 'zod';

export type GpuVendor = 'nvidia' | 'amd' | 'intel';

/** One graphics card of the machine, as its vendor's tool tells it. */
export interface Gpu {
  readonly vendor: GpuVendor;
  /** The vendor's own number of it. */
  readonly index: number;
  readonly model: string;
  readonly memoryMiB: number;
  /** `0000:03:00.0`; empty for NVIDIA, whose runtime takes the number. */
  readonly pciAddress: string;
}

/** Name, arguments and how its output is read. A tool that is missing or breaks means no cards of that vendor. */
interface Tool {
  readonly command: string;
  readonly args: readonly string[];
  readonly parse: (output: string) => Gpu[];
}

const TOOL_MS = 10_000;
const MIB = 1024 * 1024;

/** @see Bacalhau pkg/compute/capacity/system/gpu */
const tools: readonly Tool[] = [
  {
    command: 'nvidia-smi',
    args: ['--query-gpu=index,gpu_name,memory.total', '--format=csv,noheader,nounits'],
    parse: parseNvidia,
  },
  { command: 'rocm-smi', args: ['--showproductname', '--showbus', '--showmeminfo', 'vram', '--json'], parse: parseAmd },
  { command: 'xpu-smi', args: ['discovery', '--json'], parse: parseIntel },
];

/** Asks each vendor's tool. Never rejects. */
export async function findGpus(ask: (command: string, args: readonly string[]) => Promise<string>): Promise<Gpu[]> {
  const found = await Promise.all(
    tools.map(async ({ command, args, parse }) => {
      try {
        return parse(await ask(command, args));
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

export function askTool(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { timeout: TOOL_MS }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
}

/** `0, NVIDIA A100-SXM4-40GB, 40960` a line. */
export function parseNvidia(output: string): Gpu[] {
  return output
    .trim()
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [index = '', model = '', memory = ''] = line.split(',').map((part) => part.trim());
      const gpu = { vendor: 'nvidia', index: Number(index), model, memoryMiB: Number(memory), pciAddress: '' } as const;
      if (!Number.isInteger(gpu.index) || !Number.isFinite(gpu.memoryMiB)) throw new Error(`not a card: ${line}`);
      return gpu;
    });
}

const AmdCards = z.record(
  z.string(),
  z.object({
    'Card series': z.string().optional(),
    'Card Series': z.string().optional(),
    'PCI Bus': z.string(),
    'VRAM Total Memory (B)': z.coerce.number(),
  }),
);

/** `{"card0": {"Card series": ..., "PCI Bus": ..., "VRAM Total Memory (B)": ...}}` */
export function parseAmd(output: string): Gpu[] {
  return Object.entries(AmdCards.parse(JSON.parse(output))).map(([name, card]) => ({
    vendor: 'amd',
    index: Number(/^card(\d+)$/.exec(name)?.[1] ?? Number.NaN),
    model: card['Card series'] ?? card['Card Series'] ?? 'AMD',
    memoryMiB: Math.floor(card['VRAM Total Memory (B)'] / MIB),
    pciAddress: card['PCI Bus'].toLowerCase(),
  }));
}

const IntelCards = z.object({
  device_list: z.array(
    z.object({
      device_id: z.int(),
      device_name: z.string(),
      pci_bdf_address: z.string(),
      // Only a query of one card tells it.
      memory_physical_size_byte: z.coerce.number().optional(),
    }),
  ),
});

/** `{"device_list": [{"device_id": 0, "device_name": ..., "pci_bdf_address": ...}]}` */
export function parseIntel(output: string): Gpu[] {
  return IntelCards.parse(JSON.parse(output)).device_list.map((card) => ({
    vendor: 'intel',
    index: card.device_id,
    model: card.device_name,
    memoryMiB: Math.floor((card.memory_physical_size_byte ?? 0) / MIB),
    pciAddress: card.pci_bdf_address.toLowerCase(),
  }));
}

/** `GPU-0: NVIDIA-A100-SXM4-40GB` and `GPU-0-Memory: 40960-MiB`, as Bacalhau labels its nodes. */
export function gpuLabels(gpus: readonly Gpu[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [i, { model, memoryMiB }] of gpus.entries()) {
    labels[`GPU-${i}`] = model.replaceAll(' ', '-');
    labels[`GPU-${i}-Memory`] = `${memoryMiB}-MiB`;
  }
  return labels;
}

/** Names one card in a container's label. */
export function gpuKey({ vendor, index }: Gpu): string {
  return `${vendor}:${index}`;
}
