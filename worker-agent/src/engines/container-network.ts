/**
 * How a container reaches the network; `Default` and the node's policy are resolved before it comes to the engine.
 * `filtered` is a bridge from which neither the machine nor its owner's network can be reached; `http` has a proxy and no
 * other way out.
 */
export const containerNetworks = ['none', 'host', 'bridge', 'filtered', 'http'] as const;
export type ContainerNetwork = (typeof containerNetworks)[number];
