import { describe, expect, test } from 'vitest';
import { startConfig } from './config.ts';
import { checkSettings } from './settings.ts';
import { settingNames } from '../../../schema/settings.ts';

describe('a misspelt setting ends the start', () => {
  test.for([
    [{ SHOAL_NODE_APPROVAL: 'Manual' }, 'SHOAL_NODE_APPROVAL=Manual: give manual, or leave it out'],
    [{ SHOAL_NODE_APPROVAL: 'auto' }, 'SHOAL_NODE_APPROVAL=auto: give manual'],
    [{ SHOAL_NODE_APROVAL: 'manual' }, 'SHOAL_NODE_APROVAL is no setting: did you mean SHOAL_NODE_APPROVAL?'],
    [{ SHOAL_AUHT: 'required' }, 'SHOAL_AUHT is no setting: did you mean SHOAL_AUTH?'],
    [{ SHOAL_AUTH: 'Required' }, 'SHOAL_AUTH=Required: give required'],
    [{ SHOAL_RATE_LIMIT: '1e3' }, 'SHOAL_RATE_LIMIT=1e3: give a number from 0 to 1000000'],
    [{ RETENTION_DAYS: 'abc' }, 'RETENTION_DAYS=abc: give a number from 0 to 36500'],
    [{ D1_MAX_BYTES: '-1' }, 'D1_MAX_BYTES=-1: give a number from 0'],
    [{ DEFAULT_QUEUE_TIMEOUT: '1h' }, 'DEFAULT_QUEUE_TIMEOUT=1h: give a number from 0'],
    [{ SHOAL_ALLOWED_ORIGINS: 'https://a.example/,b' }, 'SHOAL_ALLOWED_ORIGINS=https://a.example/,b: give origins'],
    [{ RETENTION_DAYS: 'x', SHOAL_NODE_APPROVAL: 'x' }, /RETENTION_DAYS[^]*|SHOAL_NODE_APPROVAL/],
  ] as const)('%j', ([env, message]) => {
    expect(() => checkSettings(env)).toThrow(message);
  });

  test.for([
    {},
    { SHOAL_NODE_APPROVAL: 'manual', RETENTION_DAYS: '0.5', SHOAL_ALLOWED_ORIGINS: 'https://a.example, http://b:81' },
    { SHOAL_NODE_APPROVAL: '', SHOAL_AUTH: 'required', SHOAL_STATE: '/s', SHOAL_URL: 'x', PATH: '/bin' },
  ] as Readonly<Record<string, string>>[])('%j does not', (env) => {
    expect(() => checkSettings(env)).not.toThrow();
  });
});

test('every setting that an operator may set is handed on', () => {
  const env = Object.fromEntries(settingNames.map((name) => [name, '']));
  const decidedByLauncher = ['SHOAL_AUTH', 'SHOAL_MODE'];
  expect(Object.keys(startConfig(env, []).settings).toSorted()).toEqual(
    settingNames.filter((name) => !decidedByLauncher.includes(name)).toSorted(),
  );
});
