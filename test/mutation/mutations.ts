/** One change of one place of the core that the core's tests should notice. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly replacement: string;
}

/** What is changed in one file: each match once. */
interface Rule {
  readonly file: string;
  /** The part of the file that is looked at. */
  readonly within: RegExp;
  readonly each: RegExp;
  readonly change: (match: RegExpMatchArray) => { readonly name: string; readonly replacement: string };
}

const leaveOut = (what: string) => (match: RegExpMatchArray) => ({
  name: `${what} without ${match[0].trim()}`,
  replacement: '',
});

const rules: readonly Rule[] = [
  {
    file: 'src/core/execution.ts',
    within: /export const transitions = \{[\s\S]*?\} as const/,
    each: /(?:\w+: '\w+'|\.\.\.ends),? ?/g,
    change: leaveOut('transitions'),
  },
  {
    file: 'src/core/execution.ts',
    within: /const ends = \{[^}]*\}/,
    each: /\w+: '\w+',? ?/g,
    change: leaveOut('ends'),
  },
  {
    file: 'src/core/placement/rank.ts',
    within: /(?<=const rankers: readonly Ranker\[\] = \[)[^\]]*/,
    each: /\w+(?:, )?/g,
    change: leaveOut('rankers'),
  },
  {
    file: 'src/core/placement/filters.ts',
    within: /const filters: readonly Filter\[\] = \[[^\]]*\]/,
    each: /(?<=\n {2})\w+,/g,
    change: leaveOut('filters'),
  },
  {
    file: 'schema/selector.ts',
    within: /const operators: [\s\S]*?\n\};/,
    each: /(?<=\) => )(?!boolean)[^\n]+(?=,\n)/g,
    change: (match) => ({ name: `an operator that says the opposite of ${match[0]}`, replacement: `!(${match[0]})` }),
  },
  {
    file: 'src/core/placement/constraints.ts',
    within: /(?<=const operators: )[\s\S]*?\n\};/,
    each: /(?<=: )'\w+'(?=,\n)/g,
    change: (match) => ({
      name: `constraints that say ${match[0]} and mean another operator`,
      replacement: match[0] === "'absent'" ? "'exists'" : "'absent'",
    }),
  },
];

/** Every mutation of the transition tables, rankers, filters and operators. @param read  the text of a file */
export function mutations(read: (file: string) => string): Mutation[] {
  return rules.flatMap(({ file, within, each, change }) => {
    const block = within.exec(read(file));
    if (block === null) throw new Error(`${file}: ${String(within)} finds nothing`);
    const found = [...block[0].matchAll(each)].filter((match) => match[0] !== '');
    if (found.length === 0) throw new Error(`${file}: ${String(each)} finds nothing`);
    return found.map((match) => {
      const from = block.index + match.index;
      const { name, replacement } = change(match);
      const line = read(file).slice(0, from).split('\n').length;
      return { file, from, to: from + match[0].length, replacement, name: `${file}:${line}: ${name}` };
    });
  });
}
