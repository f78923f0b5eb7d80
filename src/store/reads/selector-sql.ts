import type { Requirement } from '../../../schema/selector.ts';

/**
 * A condition on the labels in a specification. `labels` is an expression for the JSON text, `bind` takes a value and
 * gives its parameter's name. A row of `json_each` is a label.
 */
export function selectorSql(
  requirements: readonly Requirement[],
  spec: string,
  bind: (value: string | number) => string,
): string {
  return requirements.map((requirement) => ` AND ${conditionOf(requirement, spec, bind)}`).join('');
}

function conditionOf(
  { key, operator, values }: Requirement,
  spec: string,
  bind: (value: string | number) => string,
): string {
  const label = `EXISTS (SELECT 1 FROM json_each(${spec}, '$.Labels') AS label WHERE label.key = ${bind(key)}`;
  const oneOf = () => `label.value IN (SELECT value FROM json_each(${bind(JSON.stringify(values))}))`;
  // The round trip through a number refuses texts that merely begin with digits.
  const compare = (sign: '>' | '<') =>
    `CAST(CAST(label.value AS INTEGER) AS TEXT) = label.value AND CAST(label.value AS INTEGER) ${sign} ${bind(Number(values[0]))}`;
  switch (operator) {
    case 'exists':
      return `${label})`;
    case 'absent':
      return `NOT ${label})`;
    case 'in':
      return `${label} AND ${oneOf()})`;
    case 'notin':
      return `NOT ${label} AND ${oneOf()})`;
    case 'gt':
      return `${label} AND ${compare('>')})`;
    case 'lt':
      return `${label} AND ${compare('<')})`;
  }
}
