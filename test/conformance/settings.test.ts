import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'vitest';
import { settingsHelp, settingsTable, toldOf } from '../../schema/setting.ts';
import { inForce, readSettings, workerSettings } from '../../schema/settings.ts';
import { startSettings } from '../../schema/start-settings.ts';

const FILE = new URL('../../docs/settings.md', import.meta.url);

const page = `# Settings

Each is a variable of the environment; empty is absent. One that cannot be read ends the start of \`npm start\`, and on
Cloudflare closes everything but \`/api/v1/agent/alive\` and its like, with the variable's name. \`npm start -- --help\` prints
the first two tables, \`GET /api/v1/agent/config\` what is in force below \`Shoal\`. The page is written from the schemas of the
settings by \`npm run docs\`. The agent's options are those of \`node shoal-agent.cjs --help\`.

## Of the Worker

Set for \`npm start\`, or below \`[vars]\` in \`wrangler.toml\`. Of the secrets \`SHOAL_ADMIN_TOKEN\` and \`SHOAL_NODE_TOKEN\` the README
says how they are set on Cloudflare.

${settingsTable(workerSettings)}

## Of \`npm start\` alone

${settingsTable(startSettings)}
`;

describe('docs/settings.md', () => {
  test('is checked in: SHOAL_WRITE=1 writes it anew', ({ expect }) => {
    if (process.env['SHOAL_WRITE'] === '1') writeFileSync(FILE, page);
    expect(readFileSync(FILE, 'utf8')).toBe(page);
  });

  test('has every setting, with what it does and what holds without it', ({ expect }) => {
    for (const settings of [workerSettings, startSettings]) {
      for (const [name, { variable, help, byDefault }] of toldOf(settings)) {
        expect(help, name).toMatch(/\.$/);
        expect(byDefault, name).not.toBe('');
        expect(page).toContain(`| \`${variable}\` | ${help}`);
      }
    }
  });
});

describe('a default that is told', () => {
  /** Numbers alone: what is said in words has no other form. */
  const numbers = toldOf(workerSettings).filter(([, { byDefault }]) => /^\d+(;|$)/.test(byDefault));
  for (const [name, { variable, byDefault }] of numbers) {
    test(`of ${name} is in force`, ({ expect }) => {
      expect(inForce(readSettings({}).settings)[variable]).toBe(Number.parseFloat(byDefault));
    });
  }
  test('is most of them', ({ expect }) => {
    expect(numbers.length).toBeGreaterThanOrEqual(4);
  });
});

test('the help of a process names each of its settings but those that are not set by hand', ({ expect }) => {
  const help = settingsHelp(workerSettings);
  for (const [, { variable, notByHand = false }] of toldOf(workerSettings)) {
    expect(help.includes(variable), variable).toBe(!notByHand);
  }
});
