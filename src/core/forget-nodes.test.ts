import { describe, expect, test } from 'vitest';
import { AWAY_NODE_MS } from '../../schema/limits.ts';
import { CoreHarness } from '../../test/harness/core.ts';

const DAY = 86_400_000;

/** A Shoal that remembers nodes for a week, and whose turns take place once an hour. */
function weekly(): CoreHarness {
  const core = new CoreHarness();
  core.nodeRetentionMs = 7 * DAY;
  return core;
}

function pass(core: CoreHarness, ms: number): void {
  for (const until = core.now + ms; core.now < until;) {
    core.now = Math.min(until, core.now + DAY / 2);
    for (const { nodeId } of core.world.sessions.values()) core.heard.set(nodeId, core.now);
    core.turn({ type: 'wake' });
  }
}

const known = (core: CoreHarness) => [...core.world.nodes.keys()];

describe('a node that left', () => {
  test('counts in reasons for a while, and then no more', () => {
    const core = new CoreHarness();
    const [gone] = [core.join('n-gone'), core.join('n-here', { engines: [] })];
    core.leave(gone);
    const first = core.submit();
    expect(core.job(first.jobId).stateMessage).toContain('available: 2');
    expect(core.job(first.jobId).stateMessage).toContain('Node n-gone: is not connected');
    core.now += AWAY_NODE_MS;
    const second = core.submit();
    expect(core.job(second.jobId).stateMessage).toContain('available: 1');
    expect(core.job(second.jobId).stateMessage).not.toContain('n-gone');
  });

  test('counts in the reasons of ops and daemon jobs alike', () => {
    const core = new CoreHarness();
    core.leave(core.join('n-gone'));
    core.now += AWAY_NODE_MS;
    for (const type of ['ops', 'daemon'] as const) {
      const { jobId } = core.submit({ type, count: 0, needs: { engine: 'wasm' } });
      expect(core.job(jobId).stateMessage).not.toContain('n-gone');
    }
  });

  test('a deleted one counts at once no more', () => {
    const core = new CoreHarness();
    core.join('n-a');
    core.changeNode('n-a', 'delete');
    const { stateMessage } = core.job(core.submit().jobId);
    expect(stateMessage).not.toContain('n-a');
    expect(stateMessage).toContain('no node is connected');
  });

  test('is forgotten when it has been gone for long', () => {
    const core = weekly();
    core.leave(core.join('n-gone'));
    core.join('n-here');
    pass(core, 6 * DAY);
    expect(known(core)).toEqual(['n-gone', 'n-here']);
    pass(core, 2 * DAY);
    expect(known(core)).toEqual(['n-here']);
    expect(core.forgottenNodes).toEqual(['n-gone']);
  });

  test('is remembered for ever without a retention', () => {
    const core = new CoreHarness();
    core.leave(core.join('n-gone'));
    pass(core, 400 * DAY);
    expect(known(core)).toEqual(['n-gone']);
  });

  test('and was deleted is forgotten too; one that was rejected is not: it must not come back as a newcomer', () => {
    const core = weekly();
    const sessions = ['n-deleted', 'n-rejected'].map((name) => core.join(name));
    core.changeNode('n-deleted', 'delete');
    core.changeNode('n-rejected', 'reject');
    for (const session of sessions) core.leave(session);
    pass(core, 20 * DAY);
    expect(known(core)).toEqual(['n-rejected']);
  });

  test('and still holds an execution is remembered', () => {
    const core = weekly();
    const node = core.join('n-a');
    const { jobId } = core.submit({ type: 'service' });
    core.ack(node, core.execution(jobId).id);
    core.leave(node);
    core.nodeRetentionMs = 60_000;
    core.now += 70_000;
    core.turn({ type: 'wake' });
    expect(known(core)).toEqual(['n-a']);
  });

  test('joins anew afterwards', () => {
    const core = weekly();
    core.newMembership = 'PENDING';
    core.leave(core.join('n-a'));
    pass(core, 9 * DAY);
    expect(known(core)).toEqual([]);
    core.join('n-a');
    expect([...core.world.nodes.values()]).toMatchObject([{ membership: 'PENDING', connection: 'CONNECTED' }]);
  });
});
