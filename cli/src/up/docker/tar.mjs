/**
 * What an image layer needs of the tar format (ustar): folders, files and links with short names.
 * @typedef {{ name: string, mode: number, type: 'file' | 'link' | 'folder', content?: Buffer, target?: string }} Entry
 */

const types = { file: '0', link: '2', folder: '5' };

/**
 * @param {number} value
 * @param {number} width
 */
const octal = (value, width) => `${value.toString(8).padStart(width - 1, '0')}\0`;

/** @param {Entry} entry */
function header({ name, mode, type, content, target }) {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(content?.length ?? 0, 12), 124);
  block.write(octal(0, 12), 136);
  block.write('        ', 148);
  block.write(types[type], 156);
  block.write(target ?? '', 157, 100);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/**
 * @param {readonly Entry[]} entries folders before what is in them
 * @returns {Buffer}
 */
export function makeTar(entries) {
  const parts = entries.flatMap((entry) => {
    const content = entry.content ?? Buffer.alloc(0);
    return [header(entry), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
