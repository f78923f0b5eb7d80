import { describe, expect, test } from 'vitest';
import { checkSettings, handedOn, startHelp } from './settings.ts';
import { settingNames } from '../../../schema/settings.ts';

describe('a misspelt setting ends the start', () => {
  test.for([
    [{ SHOAL_NODE_APPROVAL: 'Manual' }, 'SHOAL_NODE_APPROVAL=Manual: give manual, or leave it out'],
    [{ SHOAL_NODE_APPROVAL: 'auto' }, 'SHOAL_NODE_APPROVAL=auto: give manual'],
    [{ SHOAL_NODE_APROVAL: 'manual' }, 'SHOAL_NODE_APROVAL is no setting: did you mean SHOAL_NODE_APPROVAL?'],
    [{ SHOAL_AUHT: 'required' }, 'SHOAL_AUHT is no setting: did you mean SHOAL_AUTH?'],
    [{ SHOAL_MODE: 'closed' }, 'SHOAL_MODE=closed: give open'],
    [{ SHOAL_AUTH: 'Required' }, 'SHOAL_AUTH=Required: give required'],
    [{ SHOAL_RATE_LIMIT: '1e3' }, 'SHOAL_RATE_LIMIT=1e3: give a number from 0 to 1000000'],
    [{ RETENTION_DAYS: 'abc' }, 'RETENTION_DAYS=abc: give a number from 0 to 36500'],
    [{ D1_MAX_BYTES: '-1' }, 'D1_MAX_BYTES=-1: give a number from 0'],
    [{ DEFAULT_QUEUE_TIMEOUT: '1h' }, 'DEFAULT_QUEUE_TIMEOUT=1h: give a number from 0'],
    [{ SHOAL_ALLOWED_ORIGINS: 'https://a.example/,b' }, 'SHOAL_ALLOWED_ORIGINS=https://a.example/,b: give origins'],
    [{ SHOAL_PORT: 'x' }, 'SHOAL_PORT=x: give a whole number from 1 to 65535'],
    [{ SHOAL_PORT: '0' }, 'SHOAL_PORT=0: give a whole number'],
    [{ SHOAL_DOCKER: 'no' }, 'SHOAL_DOCKER=no: give on or off'],
    [{ SHOAL_HOST: 'a b' }, 'SHOAL_HOST=a b: give an address'],
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
  expect(Object.keys(handedOn(env)).toSorted()).toEqual(
    settingNames.filter((name) => !decidedByLauncher.includes(name)).toSorted(),
  );
});

test('--help tells all that may be set', () => {
  for (const name of [...settingNames, 'SHOAL_PORT', 'SHOAL_HOST', 'SHOAL_STATE', 'SHOAL_DOCKER']) {
    expect(startHelp.includes(`  ${name}\n`), name).toBe(name !== 'SHOAL_MODE');
  }
});
