import { expect, test } from 'vitest';
import { findGpus, gpuKey, gpuLabels, parseAmd, parseIntel, parseNvidia } from './gpus.ts';

const nvidia = '0, NVIDIA A100-SXM4-40GB, 40960\n1, NVIDIA A100-SXM4-40GB, 40960\n';
const amd = JSON.stringify({
  card0: {
    'VRAM Total Memory (B)': '68702699520',
    'VRAM Total Used Memory (B)': '10960896',
    'Card series': 'Instinct MI210',
    'Card model': '0x0c34',
    'PCI Bus': '0000:83:00.0',
  },
});
const intel = JSON.stringify({
  device_list: [
    {
      device_function_type: 'physical',
      device_id: 0,
      device_name: 'Intel(R) Data Center GPU Flex 170',
      device_type: 'GPU',
      drm_device: '/dev/dri/card0',
      pci_bdf_address: '0000:4D:00.0',
      pci_device_id: '0x56c0',
      vendor_name: 'Intel(R) Corporation',
    },
  ],
});

test('[gpu:nvidia] cards of NVIDIA', () => {
  expect(parseNvidia(nvidia)).toEqual([
    { vendor: 'nvidia', index: 0, model: 'NVIDIA A100-SXM4-40GB', memoryMiB: 40_960, pciAddress: '' },
    { vendor: 'nvidia', index: 1, model: 'NVIDIA A100-SXM4-40GB', memoryMiB: 40_960, pciAddress: '' },
  ]);
});

test('[gpu:amd] cards of AMD', () => {
  expect(parseAmd(amd)).toEqual([
    { vendor: 'amd', index: 0, model: 'Instinct MI210', memoryMiB: 65_520, pciAddress: '0000:83:00.0' },
  ]);
});

test('[gpu:intel] cards of Intel', () => {
  expect(parseIntel(intel)).toEqual([
    {
      vendor: 'intel',
      index: 0,
      model: 'Intel(R) Data Center GPU Flex 170',
      memoryMiB: 0,
      pciAddress: '0000:4d:00.0',
    },
  ]);
});

test('all vendors together; a tool that is missing or babbles counts as none', async () => {
  const answers: Readonly<Record<string, string>> = { 'nvidia-smi': nvidia, 'rocm-smi': 'WARNING: no JSON' };
  const gpus = await findGpus(async (command) => {
    const answer = answers[command];
    if (answer === undefined) throw new Error('ENOENT');
    return answer;
  });
  expect(gpus.map(gpuKey)).toEqual(['nvidia:0', 'nvidia:1']);
  expect(gpuLabels(gpus)).toEqual({
    'GPU-0': 'NVIDIA-A100-SXM4-40GB',
    'GPU-0-Memory': '40960-MiB',
    'GPU-1': 'NVIDIA-A100-SXM4-40GB',
    'GPU-1-Memory': '40960-MiB',
  });
});
