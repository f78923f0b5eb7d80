import type { Constraint, ConstraintOperator } from '../../../schema/job/job.ts';

/** A key with this prefix is a preference: it raises a node's rank and never rules one out. */
const FAVOUR = 'favour_';

type Labels = Readonly<Record<string, string>>;

/** How each operator reads a label; `value` is undefined when the node lacks it. */
const operators: Readonly<
  Record<ConstraintOperator, (value: string | undefined, values: readonly string[]) => boolean>
> = {
  '=': (value, [wanted]) => value === wanted,
  '==': (value, [wanted]) => value === wanted,
  in: (value, values) => value !== undefined && values.includes(value),
  '!=': (value, [unwanted]) => value !== unwanted,
  notin: (value, values) => value === undefined || !values.includes(value),
  exists: (value) => value !== undefined,
  '!': (value) => value === undefined,
  gt: (value, [bound]) => compare(value, bound, (a, b) => a > b),
  lt: (value, [bound]) => compare(value, bound, (a, b) => a < b),
};

/**
 * True when the labels meet every constraint that is not a preference; an absent label meets `!=`, `notin` and `!`.
 * @see Kubernetes label selector requirements, which Bacalhau uses
 */
export function meets(labels: Labels, constraints: readonly Constraint[]): boolean {
  return constraints.filter((c) => !c.Key.startsWith(FAVOUR)).every((c) => holds(labels, c.Key, c));
}

/** True when there are preferences and the labels meet them all. */
export function isFavoured(labels: Labels, constraints: readonly Constraint[]): boolean {
  const favours = constraints.filter((c) => c.Key.startsWith(FAVOUR));
  return favours.length > 0 && favours.every((c) => holds(labels, c.Key.slice(FAVOUR.length), c));
}

/** Constraints as a person writes them, for the reason why a node is ruled out. */
export function describeConstraints(constraints: readonly Constraint[]): string {
  return constraints
    .filter((c) => !c.Key.startsWith(FAVOUR))
    .map((c) => [c.Key, c.Operator, ...(c.Values ?? [])].join(' '))
    .join(', ');
}

function holds(labels: Labels, key: string, { Operator, Values = [] }: Constraint): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  // Submission refuses unknown operators; one that got in all the same holds nowhere.
  return isOperator(Operator) && operators[Operator](value, Values);
}

function isOperator(text: string): text is ConstraintOperator {
  return Object.hasOwn(operators, text);
}

function compare(
  value: string | undefined,
  bound: string | undefined,
  test: (a: number, b: number) => boolean,
): boolean {
  if (value === undefined || bound === undefined) return false;
  if (!/^-?\d+$/.test(value) || !/^-?\d+$/.test(bound)) return false;
  return test(Number(value), Number(bound));
}
