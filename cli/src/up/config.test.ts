import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root, startConfig as configOf, type StartConfig } from './config.ts';
import { checkSettings } from './settings.ts';

const startConfig = (env: Record<string, string>, args: readonly string[]): StartConfig =>
  configOf(env, checkSettings(env), args);

describe('the settings of npm start', () => {
  test('have defaults', () => {
    expect(startConfig({}, [])).toMatchObject({ port: 1234, state: join(root, '.shoal'), agents: 1, docker: true });
  });

  test('come from the environment and the arguments', () => {
    const env = { SHOAL_PORT: '8080', SHOAL_STATE: '/s', SHOAL_DOCKER: 'off' };
    const config = startConfig(env, ['--', '--agents', '2']);
    const open = { host: '127.0.0.1', closed: false };
    expect(config).toEqual({ ...open, port: 8080, state: '/s', agents: 2, docker: false });
  });

  test('may close it, and then let others reach it', () => {
    const env = { SHOAL_AUTH: 'required', SHOAL_HOST: '0.0.0.0' };
    expect(startConfig(env, [])).toMatchObject({ host: '0.0.0.0', closed: true });
    expect(startConfig({ SHOAL_AUTH: '' }, [])).toMatchObject({ host: '127.0.0.1', closed: false });
  });

  test.for([
    [{ SHOAL_PORT: 'x' }, [], 'SHOAL_PORT=x: give a whole number from 1 to 65535'],
    [{ SHOAL_PORT: '0' }, [], 'SHOAL_PORT=0'],
    [{ SHOAL_DOCKER: 'no' }, [], 'SHOAL_DOCKER=no: give on or off'],
    [{ SHOAL_AUTH: 'yes' }, [], 'SHOAL_AUTH=yes: give required'],
    [{ SHOAL_HOST: '0.0.0.0' }, [], /^SHOAL_HOST=0\.0\.0\.0: .*SHOAL_AUTH=required/],
    [{ SHOAL_HOST: 'a b' }, [], 'SHOAL_HOST=a b: give an address'],
    [{ SHOAL_STATE: '' }, [], 'SHOAL_STATE is empty'],
    [{}, ['--agents', 'two'], '--agents=two: give a whole number from 1 to 32'],
    [{}, ['--agents'], '--agents=: give a whole number'],
    [{}, ['--port', '1'], 'unknown argument --port'],
  ] as const)('refuse %j %j with what is allowed', ([env, args, message]) => {
    expect(() => startConfig(env, args)).toThrow(message);
  });
});
