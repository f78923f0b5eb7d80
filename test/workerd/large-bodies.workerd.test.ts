import { exports } from 'cloudflare:workers';
import { expect, test } from 'vitest';

const MEGABYTE = 1_000_000;

/** Sends as many megabytes and tells how many of them were taken before the answer. */
async function send(megabytes: number, announced: boolean) {
  let taken = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (taken === megabytes) return controller.close();
      taken += 1;
      return controller.enqueue(new Uint8Array(MEGABYTE));
    },
  });
  const fixed = new FixedLengthStream(megabytes * MEGABYTE);
  if (announced) void source.pipeTo(fixed.writable).catch(() => {});
  const { status } = await exports.default.fetch('http://127.0.0.1/api/v1/orchestrator/jobs', {
    method: 'PUT',
    headers: {
      'Content-Type': 'application/json',
      ...(announced && { 'Content-Length': String(megabytes * MEGABYTE) }),
    },
    body: announced ? fixed.readable : source,
  });
  return { status, taken };
}

test.for([true, false])('a body over the limit is read before it is refused (announced: %s)', async (announced) => {
  expect(await send(30, announced)).toEqual({ status: 413, taken: 30 });
});

test.for([true, false])('but not without end (announced: %s)', async (announced) => {
  const { status, taken } = await send(200, announced);
  expect(status).toBe(413);
  expect(taken).toBeLessThan(60);
});
