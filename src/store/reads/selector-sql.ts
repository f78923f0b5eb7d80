import type { Requirement } from '../../../schema/selector.ts';

type Bind = (value: string | number) => string;

/** Which labels a list is driven by, and what is left to be checked of each job. */
interface LabelSearch {
  /** The requirement whose rows of `job_labels` are walked in order; null when the jobs themselves are. */
  readonly driver: Requirement | null;
  readonly rest: readonly Requirement[];
}

/**
 * Picks what finds the fewest jobs: a label with one value, else a label that must be there. Requirements that are also
 * met by jobs without the label find nothing.
 */
export function searchOf(requirements: readonly Requirement[]): LabelSearch {
  const driver =
    requirements.find(({ operator, values }) => operator === 'in' && values.length === 1) ??
    requirements.find(({ operator }) => operator !== 'notin' && operator !== 'absent') ??
    null;
  return { driver, rest: requirements.filter((requirement) => requirement !== driver) };
}

/** Conditions on the labels of the job `j`. */
export function selectorSql(requirements: readonly Requirement[], bind: Bind): string {
  return requirements.map((requirement) => ` AND ${conditionOf(requirement, bind)}`).join('');
}

function conditionOf(requirement: Requirement, bind: Bind): string {
  const { key, operator } = requirement;
  const not = operator === 'notin' || operator === 'absent' ? 'NOT ' : '';
  return `${not}EXISTS (SELECT 1 FROM job_labels AS label WHERE label.job_id = j.id AND label.key = ${bind(key)}${valueSql(requirement, bind)})`;
}

/** Without its sign. */
const DIGITS = `substr(label.value, 1 + (substr(label.value, 1, 1) IN ('+', '-')))`;
const MAGNITUDE = `ltrim(${DIGITS}, '0')`;
const MAX_MAGNITUDE = `CASE substr(label.value, 1, 1) WHEN '-' THEN '9223372036854775808' ELSE '9223372036854775807' END`;
/**
 * What the selector takes for an integer: CAST alone reads the digits that a text begins with, and brings what is beyond
 * 64 bits to their bounds. SQLite's functions see a text up to its first NUL, its bytes count all of it.
 */
const IS_INTEGER = `${DIGITS} GLOB '[0-9]*' AND ${DIGITS} NOT GLOB '*[^0-9]*' AND octet_length(label.value) = length(label.value)
  AND (length(${MAGNITUDE}) < 19 OR (length(${MAGNITUDE}) = 19 AND ${MAGNITUDE} <= ${MAX_MAGNITUDE}))`;

/** The condition on `label.value` that makes a label fit; for `notin` and `absent` the one that makes it unfit. */
export function valueSql({ operator, values }: Requirement, bind: Bind): string {
  const compare = (sign: '>' | '<') =>
    ` AND ${IS_INTEGER} AND CAST(label.value AS INTEGER) ${sign} CAST(${bind(values[0] ?? '')} AS INTEGER)`;
  switch (operator) {
    case 'exists':
    case 'absent':
      return '';
    case 'in':
    case 'notin':
      return values.length === 1
        ? ` AND label.value = ${bind(values[0] ?? '')}`
        : ` AND label.value IN (SELECT value FROM json_each(${bind(JSON.stringify(values))}))`;
    case 'gt':
      return compare('>');
    case 'lt':
      return compare('<');
  }
}
