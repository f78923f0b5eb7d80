import type { Constraint, ConstraintOperator } from '../../../schema/job/job.ts';
import { labelMeets, labelOf, type Operator } from '../../../schema/selector.ts';

/** A key with this prefix is a preference: it raises a node's rank and never rules one out. */
const FAVOUR = 'favour_';

type Labels = Readonly<Record<string, string>>;

/** Constraints are Kubernetes' requirements in other words: what each means is the selector's. */
const operators: Readonly<Record<ConstraintOperator, Operator>> = {
  '=': 'in',
  '==': 'in',
  in: 'in',
  '!=': 'notin',
  notin: 'notin',
  exists: 'exists',
  '!': 'absent',
  gt: 'gt',
  lt: 'lt',
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
  // Submission refuses unknown operators; one that got in all the same holds nowhere.
  return isOperator(Operator) && labelMeets(operators[Operator], labelOf(labels, key), Values);
}

function isOperator(text: string): text is ConstraintOperator {
  return Object.hasOwn(operators, text);
}
