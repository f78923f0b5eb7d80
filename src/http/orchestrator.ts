/** How the orchestrator names itself, among the nodes and in the Meta of jobs. No agent may take this id. */
export const ORCHESTRATOR_ID = 'n-orchestrator';
