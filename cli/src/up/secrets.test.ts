import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSecrets } from './secrets.ts';

test('tokens are made once, kept for their owner alone, and give way to those of the environment', () => {
  const state = mkdtempSync(join(tmpdir(), 'shoal-secrets-'));
  const made = readSecrets(state, { SHOAL_NODE_TOKEN: '' });
  expect(made.adminToken).toMatch(/^[\w-]{43}$/);
  expect(made.nodeToken).not.toBe(made.adminToken);
  expect(readSecrets(state, {})).toEqual(made);
  for (const file of [made.adminFile, made.nodeFile]) expect(statSync(file).mode & 0o777).toBe(0o600);
  const given = readSecrets(state, { SHOAL_ADMIN_TOKEN: 'mine' });
  expect(given).toEqual({ ...made, adminToken: 'mine' });
  expect(readFileSync(given.adminFile, 'utf8')).toBe('mine\n');
  rmSync(state, { recursive: true, force: true });
});
