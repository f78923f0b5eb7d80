import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { networkTypes } from '../schema/job/job.ts';
import { dockerParamNames } from '../schema/job/param-names.ts';
import { JournalRecord } from '../worker-agent/src/journal/records.ts';

/**
 * `docs/agent.md` is made of the titles of the agent's tests: `[kind:name]` in a title says what the test proves. A stale
 * page fails here; `npx vitest run --project node agent-doc -u` writes it anew.
 */

const root = fileURLToPath(new URL('../', import.meta.url));

/** What must be proved by at least one test, from the code where the code has a list. */
const wanted: Readonly<Record<string, { readonly title: string; readonly names: readonly string[] }>> = {
  param: {
    title: 'Engine parameters',
    names: dockerParamNames,
  },
  network: { title: 'Network types', names: networkTypes.filter((type) => type !== 'Full') },
  port: { title: 'Ports', names: ['dynamic', 'Static', 'Target'] },
  env: { title: 'Variables of ports', names: ['BACALHAU_PORT'] },
  limit: {
    title: 'Limits',
    names: ['CPU', 'memory', 'processes', 'execution timeout', 'capacity', 'RunOutput', 'log', 'log budget'],
  },
  gpu: { title: 'Graphics cards', names: ['nvidia', 'amd', 'intel'] },
  pull: { title: 'Getting images', names: ['credentials', 'platform', 'not run time', 'stop'] },
  hardening: {
    title: 'What every container is kept from',
    names: ['capabilities', 'new privileges', 'seccomp', 'Docker socket', 'host paths', 'namespaces'],
  },
  allow: {
    title: 'What the owner must allow',
    names: ['host network', 'unfiltered bridge', 'ports', 'env', 'capability'],
  },
  fault: {
    title: 'Faults',
    names: [
      'fork bomb',
      'out of memory',
      'SIGTERM ignored',
      'quick end',
      'broken text',
      'much output',
      'endless output',
      'disk full',
      'registry down',
      'daemon gone',
      'daemon hangs',
      'daemon killed',
      'daemon restarted',
      'container removed',
    ],
  },
  journal: {
    title: 'SIGKILL of the agent around each record of its journal',
    names: JournalRecord.options.map((option) => option.shape.type.value),
  },
};

interface Proof {
  readonly file: string;
  readonly title: string;
}

/** Titles of tests by `kind:name`. */
function collect(): Map<string, Proof[]> {
  const proofs = new Map<string, Proof[]>();
  const folder = join(root, 'worker-agent', 'src');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!/\.(test|docker)\.ts$/.test(name)) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, , given] of text.matchAll(/(?:test\(\s*|name: )(['"`])(\[[a-z]+:.+?)\1/g)) {
      for (const title of expand(given ?? '')) add(proofs, { file: `worker-agent/src/${name}`, title });
    }
  }
  return proofs;
}

/** A title with `${point}` stands for one test a record of the journal, before and after. */
function expand(title: string): string[] {
  if (!title.includes('${point}')) return [title];
  const names = JournalRecord.options.map((option) => option.shape.type.value);
  return names.map((name) => title.replace('${point}', name).replace('${when}', 'before and after'));
}

function add(proofs: Map<string, Proof[]>, { file, title }: Proof): void {
  const plain = title.replaceAll(/\[[a-z]+:[^\]]+\] ?/g, '');
  for (const [, key = ''] of title.matchAll(/\[([a-z]+:[^\]]+)\]/g)) {
    proofs.set(key, [...(proofs.get(key) ?? []), { file, title: plain }]);
  }
}

function page(proofs: ReadonlyMap<string, readonly Proof[]>): string {
  const lines = [
    '# What the agent does with tasks',
    '',
    'Made from the titles of the tests that prove it; a stale page fails a test. Tests in `.docker.ts` run against a real',
    'Docker engine.',
  ];
  for (const [kind, { title, names }] of Object.entries(wanted)) {
    lines.push('', `## ${title}`, '', '| | proved by |', '|---|---|');
    for (const name of names) {
      const rows = (proofs.get(`${kind}:${name}`) ?? []).map((proof) => `${proof.title} (\`${proof.file}\`)`);
      lines.push(`| ${name} | ${rows.join('<br>')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

test('every parameter, network, limit and fault has a test that proves it, and the page says which', async () => {
  const proofs = collect();
  const keys = Object.entries(wanted).flatMap(([kind, { names }]) => names.map((name) => `${kind}:${name}`));
  expect(keys.filter((key) => !proofs.has(key))).toEqual([]);
  // A tag that nothing asks for is a misspelling.
  expect([...proofs.keys()].filter((key) => !keys.includes(key))).toEqual([]);
  await expect(page(proofs)).toMatchFileSnapshot('../docs/agent.md');
});
