import { describe, test } from 'vitest';
import { makeFakeApi } from '../../test/fakes/api.ts';

const NOT_FOUND = {
  Status: 404,
  Message: 'The requested resource/URL was not found.',
  RequestID: '',
  Code: 'NotFound',
  Component: 'APIServer',
  Hint: 'The server version may be older than this CLI version and does not support the endpoint yet.',
  Details: {
    cli_usage:
      'If you are using the CLI, try updating your server to a newer version or check if the command is supported in your server version.',
  },
};

const JOBS = '/api/v1/orchestrator/jobs';

describe('paths', () => {
  const { send } = makeFakeApi();
  const unknown = [
    ['GET', '/nothing'],
    ['GET', `${JOBS}/`],
    ['PATCH', JOBS],
    ['POST', '/api/v1/agent/alive'],
    ['DELETE', '/api/v1/orchestrator/nodes'],
    ['GET', '/api/v1/version'],
    ['POST', '/api/v1/orchestrator/nodes'],
  ] as const;
  for (const [method, path] of unknown) {
    test(`${method} ${path} is not found`, async ({ expect }) => {
      const got = await send(method, path);
      expect([got.status, got.json(), got.headers.get('Allow')]).toEqual([404, NOT_FOUND, null]);
    });
  }
  test('HEAD is not found, without a body', async ({ expect }) => {
    const got = await send('HEAD', '/api/v1/agent/alive');
    expect([got.status, got.text]).toEqual([404, '']);
  });
  for (const [path, target] of [
    ['/', '/api/v1/agent/version'],
    ['/version', '/api/v1/agent/version'],
    ['/livez', '/api/v1/agent/alive'],
  ] as const) {
    test(`${path} leads on`, async ({ expect }) => {
      const got = await send('GET', path);
      expect([got.status, got.headers.get('Location'), got.text]).toEqual([301, target, '']);
      const post = await send('POST', path);
      expect([post.status, post.headers.get('Allow')]).toEqual([405, 'OPTIONS, GET']);
      expect(post.text).toBe(
        '{"Status":405,"Message":"Method Not Allowed","RequestID":"","Code":"InternalError","Component":"APIServer"}\n',
      );
      const head = await send('HEAD', path);
      expect([head.status, head.text]).toEqual([405, '']);
    });
  }
});

describe('agent', () => {
  const { send } = makeFakeApi();
  test('is alive', async ({ expect }) => {
    const got = await send('GET', '/api/v1/agent/alive');
    expect([got.status, got.text, got.headers.get('Content-Type')]).toEqual([
      200,
      '{"Status":"OK"}\n',
      'application/json',
    ]);
  });
  test('has a version', async ({ expect }) => {
    expect((await send('GET', '/api/v1/agent/version')).json()).toMatchObject({ Major: '1', GitVersion: 'v1.9.3' });
  });
  test('is a node without room', async ({ expect }) => {
    expect((await send('GET', '/api/v1/agent/node')).json()).toMatchObject({
      NodeType: 'Requester',
      ComputeNodeInfo: { ExecutionEngines: null, Publishers: null, StorageSources: null, MaxCapacity: {}, address: '' },
    });
  });
});

describe('answers', () => {
  const { send } = makeFakeApi();
  test('are indented when asked, errors too', async ({ expect }) => {
    expect((await send('GET', '/api/v1/agent/alive?pretty=false')).text).toBe('{\n  "Status": "OK"\n}\n');
    expect((await send('GET', '/nothing?Pretty')).text).toContain('{\n  "Status": 404,');
  });
  test('carry versions and the request’s id', async ({ expect }) => {
    const { headers } = await send('GET', '/api/v1/agent/alive');
    expect(headers.get('X-Request-Id')).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(headers.get('X-Bacalhau-Git-Version')).toBe('v1.9.3');
    expect(headers.get('X-Bacalhau-Build-Date')).toBe('2025-11-20 10:11:12 +0000 UTC');
    expect(headers.get('X-Shoal-Version')).toMatch(/^\d/);
    expect(headers.get('Vary')).toBe('Origin');
  });
  test('name the request’s own id', async ({ expect }) => {
    const got = await send('GET', '/nothing', undefined, { 'X-Request-Id': 'mine' });
    expect([got.json().RequestID, got.headers.get('X-Request-Id')]).toEqual(['mine', 'mine']);
  });
  test('cut a long id of the request', async ({ expect }) => {
    const got = await send('GET', '/nothing', undefined, { 'X-Request-Id': 'x'.repeat(300) });
    expect(got.headers.get('X-Request-Id')).toBe('x'.repeat(256));
  });
});

describe('old API', () => {
  const { send } = makeFakeApi();
  test('is gone and says where to', async ({ expect }) => {
    const got = await send('POST', '/api/v1/requester/submit', {});
    expect(got.status).toBe(410);
    expect(got.json()).toMatchObject({ Status: 410, Code: 'Gone', Component: 'APIServer' });
    expect(got.json().Message).toContain('PUT /api/v1/orchestrator/jobs');
    expect((await send('GET', '/api/v1/requester/other')).json().Message).toContain('/api/v1/orchestrator');
  });
});

describe('client versions', () => {
  const { send } = makeFakeApi();
  const cases = [
    ['v1.9.3', 200],
    ['v0.0.0', 200],
    ['v0.0.0-abcdef1', 200],
    ['v1.4.0', 200],
    ['v1.4.0-rc1', 403],
    ['v1.3.2', 403],
    ['abc', 400],
  ] as const;
  for (const [version, status] of cases) {
    test(`${version} gets ${status}`, async ({ expect }) => {
      const got = await send('GET', '/api/v1/agent/alive', undefined, { 'X-Bacalhau-Git-Version': version });
      expect(got.status).toBe(status);
      if (status === 400) expect(got.json()).toEqual({ Error: 'Invalid client version abc' });
      if (version === 'v1.3.2') {
        expect(got.json()).toEqual({
          Error: 'Client version is outdated. Update your client',
          MinVersion: '1.4.0',
          ClientVersion: '1.3.2',
          ServerVersion: '1.9.3',
        });
      }
    });
  }
});

describe('cors', () => {
  const origin = 'http://localhost:3000';
  const { send } = makeFakeApi();
  test('lets origins read', async ({ expect }) => {
    const { headers } = await send('GET', '/nothing', undefined, { Origin: origin });
    expect([headers.get('Access-Control-Allow-Origin'), headers.get('Vary')]).toEqual(['*', 'Origin']);
  });
  test('answers preflights', async ({ expect }) => {
    const asked = { Origin: origin, 'Access-Control-Request-Headers': 'x-a' };
    const got = await send('OPTIONS', JOBS, undefined, asked);
    expect([got.status, got.text]).toEqual([204, '']);
    expect(got.headers.get('Access-Control-Allow-Methods')).toBe('GET,HEAD,PUT,PATCH,POST,DELETE');
    expect(got.headers.get('Access-Control-Allow-Headers')).toBe('x-a');
    expect((await send('OPTIONS', '/livez', undefined, asked)).headers.get('Allow')).toBe('OPTIONS, GET');
    expect((await send('OPTIONS', JOBS)).headers.get('Access-Control-Allow-Methods')).toBeNull();
  });
});

describe('open mode', () => {
  const { app, send } = makeFakeApi({ allowedOrigins: ['https://ui.example'] });
  const hosts = [
    ['127.0.0.1:1234', 200],
    ['localhost', 200],
    ['[::1]:1234', 200],
    ['evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.', 421],
  ] as const;
  for (const [host, status] of hosts) {
    test(`host ${JSON.stringify(host)} gets ${status}`, async ({ expect }) => {
      expect((await send('GET', '/api/v1/agent/alive', undefined, { Host: host })).status).toBe(status);
    });
  }
  test('a foreign address is refused whatever the header says', async ({ expect }) => {
    const got = await app.request('http://evil.example/api/v1/agent/alive', { headers: { Host: 'localhost' } });
    expect(got.status).toBe(421);
  });
  const origins = [
    ['http://localhost:8438', 200],
    ['http://127.0.0.1', 200],
    ['http://[::1]:80', 403],
    ['http://[::1]:81', 200],
    ['https://ui.example', 200],
    ['https://evil.example', 403],
    ['http://localhost.evil.example', 403],
    ['null', 403],
    ['file://', 403],
  ] as const;
  for (const [origin, status] of origins) {
    test(`origin ${origin} gets ${status}`, async ({ expect }) => {
      const got = await send('PUT', JOBS, '{}', { Origin: origin });
      expect(got.status).toBe(status === 200 ? 400 : status);
      if (status === 403) expect(got.headers.get('Access-Control-Allow-Origin')).toBeNull();
      expect((await send('OPTIONS', JOBS, undefined, { Origin: origin })).status).toBe(status === 200 ? 204 : 403);
    });
  }
});

describe('closed mode', () => {
  const secrets = { mode: 'closed', adminToken: 'admin', nodeToken: 'node' } as const;
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
  const connect = '/api/v1/compute/connect';
  const { send } = makeFakeApi(secrets);

  test('alive and version need no credential, everything else does', async ({ expect }) => {
    for (const path of ['/api/v1/agent/alive', '/api/v1/agent/version'])
      expect((await send('GET', path)).status).toBe(200);
    for (const path of ['/', '/livez', '/nothing', JOBS, connect, '/api/v1/requester/list', '/api/v1/agent/alive/x']) {
      expect((await send('GET', path)).status).toBe(401);
    }
  });
  const refused = [
    [{}, 'Missing Authorization header'],
    [{ Authorization: 'Digest abc' }, 'unsupported authentication method'],
    [{ Authorization: 'Basic $' }, 'failed to decode basic auth credentials'],
    [{ Authorization: 'Basic YWJj' }, 'invalid basic auth credentials format'],
    [{ Authorization: 'Basic YTpi' }, 'invalid basic auth credentials'],
    [bearer('e30.e30.x'), 'OAuth2 authentication not configured on server'],
    [{ Authorization: 'bearer admin' }, 'unsupported authentication method'],
    [bearer('admi'), 'invalid API key'],
    [bearer('node'), 'invalid API key'],
  ] as const;
  for (const [headers, reason] of refused) {
    test(`${JSON.stringify(headers)}: ${reason}`, async ({ expect }) => {
      const got = await send('GET', JOBS, undefined, headers);
      expect(got.text).toBe(
        `{"Status":401,"Message":"Request Unauthorized","RequestID":"","Code":"Unauthorized","Component":"Authorizer",` +
          `"Hint":"Unauthorized principal. Event has been recorded.","Details":{"reason":"${reason}"}}\n`,
      );
      expect(got.headers.get('X-Bacalhau-Git-Version')).toBeNull();
      expect(got.headers.get('X-Request-Id')).not.toBeNull();
    });
  }
  test('the admin token opens the API, the node token the agents’ path alone', async ({ expect }) => {
    expect((await send('GET', JOBS, undefined, bearer('admin'))).status).toBe(200);
    expect((await send('GET', connect, undefined, bearer('admin'))).status).toBe(401);
    expect((await send('GET', connect, undefined, bearer('node'))).status).toBe(400);
    const upgraded = await send('GET', connect, undefined, { ...bearer('node'), Upgrade: 'websocket' });
    expect([upgraded.status, upgraded.text]).toEqual([200, 'connected']);
  });
  test('any host and origin may call with a credential', async ({ expect }) => {
    const headers = { ...bearer('admin'), Host: 'shoal.example', Origin: 'https://ui.example' };
    expect((await send('GET', JOBS, undefined, headers)).status).toBe(200);
  });
  test('a missing secret is named', async ({ expect }) => {
    const closed = makeFakeApi({ mode: 'closed', adminToken: '', nodeToken: undefined });
    const got = await closed.send('GET', JOBS, undefined, bearer(''));
    expect([got.status, got.json().Message]).toEqual([503, 'the secret SHOAL_ADMIN_TOKEN is not set']);
    const node = await closed.send('GET', connect, undefined, bearer('x'));
    expect([node.status, node.json().Message]).toEqual([503, 'the secret SHOAL_NODE_TOKEN is not set']);
  });
});

describe('bodies', () => {
  const { app, send } = makeFakeApi();
  const large =
    '{"Status":413,"Message":"Request Entity Too Large","RequestID":"","Code":"InternalError","Component":"APIServer","Hint":"A body of this route has at most 10000000 bytes."}\n';
  test('over the limit by their length', async ({ expect }) => {
    const got = await send('PUT', JOBS, '{}', { 'Content-Length': '10000001' });
    expect([got.status, got.text]).toEqual([413, large]);
  });
  test('over the limit without a length', async ({ expect }) => {
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 11; i++) controller.enqueue(new Uint8Array(1_000_000));
        controller.close();
      },
    });
    const headers = { 'Content-Type': 'application/json' };
    const init = { method: 'PUT', body, duplex: 'half', headers } as const;
    const got = await app.request(`http://127.0.0.1${JOBS}`, init);
    expect([got.status, await got.text()]).toEqual([413, large]);
  });
  test('of another type', async ({ expect }) => {
    const got = await send('PUT', JOBS, '{}', { 'Content-Type': 'text/plain' });
    expect([got.status, got.json().Message]).toEqual([400, 'code=415, message=Unsupported Media Type']);
  });
  test('that are no JSON', async ({ expect }) => {
    for (const text of ['{', 'x', '{"Job":', '{}}'.slice(0, 1)]) {
      const got = await send('PUT', JOBS, text);
      expect([got.status, got.json().Code]).toEqual([400, 'InternalError']);
      expect(got.json().Message).toContain('malformed JSON');
    }
  });
  test('that go on after their value', async ({ expect }) => {
    const got = await send('PUT', JOBS, ' {"Job":{"Name":"}\\""}} trailing {');
    expect(got.json().Message).toBe('missing job type\nmissing job tasks');
  });
  test('that are empty', async ({ expect }) => {
    expect((await send('PUT', JOBS)).json().Message).toBe('empty/nil job');
  });
});

test('what nobody foresaw shows nothing of its cause', async ({ expect }) => {
  const { scheduler, send } = makeFakeApi();
  scheduler.command = async () => ({ ok: true, value: undefined as never });
  const job = { Type: 'batch', Tasks: [{ Name: 'main', Engine: { Type: 'docker' } }] };
  const got = await send('PUT', JOBS, { Job: job });
  expect(got.text).toBe(
    '{"Status":500,"Message":"Internal server error","RequestID":"","Code":"InternalError","Component":"Unknown"}\n',
  );
});
