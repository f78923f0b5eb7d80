/** Which hosts a task of network type HTTP may reach. */
export class DomainList {
  readonly #exact = new Set<string>();
  readonly #suffixes: string[] = [];

  /** @param domains names or addresses; one that begins with a dot stands for itself and everything below it */
  constructor(domains: readonly string[]) {
    for (const domain of domains.map(clean)) {
      this.#exact.add(domain.replace(/^\./, ''));
      if (domain.startsWith('.')) this.#suffixes.push(domain);
    }
  }

  allows(host: string): boolean {
    const name = clean(host);
    return this.#exact.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix));
  }
}

function clean(host: string): string {
  return host
    .trim()
    .toLowerCase()
    .replace(/\.$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
