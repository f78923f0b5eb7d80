import type { NodeId } from '../../../schema/ids.ts';
import type { Needs, NodeInfo, NodeRecord } from '../../../schema/records.ts';
import { isFavoured } from './constraints.ts';
import { suits } from './filters.ts';

/** Beyond this many answers all are forgotten: what is asked next is worked out anew. */
const MAX_ANSWERS = 200_000;

/** What a node's description says about needs; the same for as long as the node describes itself alike. */
export interface Suits {
  readonly info: NodeInfo;
  /** Engine, publisher, sources, constraints and size are met. */
  readonly all: boolean;
  /** The preferences are met. */
  readonly favoured: boolean;
}

/** Answers for one placement class, by node. */
type Answers = Map<NodeId, Suits>;

/** Remembers what each placement class finds on each node, so that a look at a node is a look into a table. */
export class Suitability {
  readonly #classes = new Map<string, Answers>();
  #count = 0;

  /** The table of one placement class. @param key  see `classKey` */
  of(key: string): Answers {
    let answers = this.#classes.get(key);
    if (answers === undefined || this.#count > MAX_ANSWERS) {
      if (this.#count > MAX_ANSWERS) this.#forget();
      answers = new Map();
      this.#classes.set(key, answers);
      // An empty table takes room too.
      this.#count += 1;
    }
    return answers;
  }

  ask(answers: Answers, needs: Needs, node: NodeRecord): Suits {
    const known = answers.get(node.id);
    if (known !== undefined && known.info === node.info) return known;
    if (known === undefined) this.#count += 1;
    const { info } = node;
    const answer: Suits = { info, all: suits(node, needs), favoured: isFavoured(info.labels, needs.constraints) };
    answers.set(node.id, answer);
    return answer;
  }

  #forget(): void {
    this.#classes.clear();
    this.#count = 0;
  }
}
