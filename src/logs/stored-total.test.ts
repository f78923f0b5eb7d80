import { expect, test } from 'vitest';
import { StoredTotal, type Total } from './stored-total.ts';

const LIMITS: Total = { parts: 5, bytes: 100 };

function stored(total: Total, limits = LIMITS) {
  const bucket = { total, lists: 0 };
  const list = async (): Promise<Total> => {
    bucket.lists += 1;
    return bucket.total;
  };
  return { bucket, room: new StoredTotal(list, limits) };
}

test('a log gets no more bytes and no more parts than its bounds, what is there already included', async () => {
  const { room } = stored({ parts: 1, bytes: 40 });
  expect(await room.reserve(61, 0)).toBe('bytes');
  expect(await room.reserve(60, 0)).toBe('room');
  expect(await room.reserve(1, 0)).toBe('bytes');
  const empty = [];
  for (let i = 0; i < 4; i += 1) empty.push(await room.reserve(0, 0));
  expect(empty).toEqual(['room', 'room', 'room', 'parts']);
});

test('parts that come at a time share one look, and the bounds', async () => {
  const { bucket, room } = stored({ parts: 0, bytes: 0 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => room.reserve(30, 0)));
  expect(answers.filter((answer) => answer === 'room')).toHaveLength(3);
  expect(bucket.lists).toBe(1);
});

test('what was counted and not stored is found out, but not by each refusal', async () => {
  const { bucket, room } = stored({ parts: 0, bytes: 0 });
  expect(await room.reserve(100, 1_000)).toBe('room');
  for (let now = 2_000; now < 60_000; now += 1_000) expect(await room.reserve(10, now)).toBe('bytes');
  expect(bucket.lists).toBe(1);
  expect(await room.reserve(10, 62_000)).toBe('room');
  expect(bucket.lists).toBe(2);
});

test('a list that fails refuses nothing later', async () => {
  let fails = true;
  const room = new StoredTotal(async () => {
    if (fails) throw new Error('the bucket is away');
    return { parts: 0, bytes: 0 };
  }, LIMITS);
  await expect(room.reserve(1, 0)).rejects.toThrow('away');
  fails = false;
  expect(await room.reserve(1, 0)).toBe('room');
});
