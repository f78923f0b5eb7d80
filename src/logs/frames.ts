import { readChunks } from '../../schema/protocol/log-link.ts';
import { goJson } from '../go-json.ts';

/** A frame is ended when it holds more. */
const MAX_LINE_CHARS = 256 * 1024;
/** An error in place of output; the socket is closed with 1000 after it. @see Bacalhau pkg/publicapi: websocket errors */
export function errorFrame(text: string): string {
  return goJson({ error: text, value: { Type: 0, Line: '' } });
}

/** Turns a log into the frames of one viewer: characters that were cut in two by a chunk are put together again. */
export class FrameWriter {
  readonly #decoders = new Map<number, InstanceType<typeof TextDecoder>>();

  /** Frames of whole chunks; neighbours of one stream share a frame. */
  *write(chunks: Uint8Array): Generator<string> {
    let stream = 0;
    let line = '';
    for (const chunk of readChunks(chunks)) {
      if (chunk.stream !== stream && line !== '') {
        yield goJson({ value: { Type: stream, Line: line } });
        line = '';
      }
      stream = chunk.stream;
      if (line.length > MAX_LINE_CHARS) {
        yield goJson({ value: { Type: stream, Line: line } });
        line = '';
      }
      line += this.#decoderOf(stream).decode(chunk.bytes, { stream: true });
    }
    if (line !== '') yield goJson({ value: { Type: stream, Line: line } });
  }

  /** What is left of characters that were never finished. */
  *end(): Generator<string> {
    for (const [stream, decoder] of this.#decoders) {
      const line = decoder.decode();
      if (line !== '') yield goJson({ value: { Type: stream, Line: line } });
    }
  }

  #decoderOf(stream: number): InstanceType<typeof TextDecoder> {
    const known = this.#decoders.get(stream);
    if (known !== undefined) return known;
    const made = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });
    this.#decoders.set(stream, made);
    return made;
  }
}
