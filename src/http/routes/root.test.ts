import { describe, expect, test } from 'vitest';
import { makeFakeApi } from '../../../test/fakes/api.ts';

const FIREFOX = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

/** `/` of an installation, asked with an Accept header. */
async function ask(accept: string | null, { closed = false, method = 'GET', path = '/' } = {}) {
  const { app } = makeFakeApi(closed ? { mode: 'closed', adminToken: 'secret', nodeToken: 'node' } : {});
  const headers = accept === null ? {} : { Accept: accept };
  return app.request(`http://127.0.0.1:1234${path}`, { method, headers });
}

describe('the root', () => {
  test.each([FIREFOX, 'text/html', 'TEXT/HTML', 'text/html;q=0.9, application/json;q=0.5', 'text/*'])(
    'is a page for who accepts %s, also where credentials are asked for',
    async (accept) => {
      for (const closed of [false, true]) {
        const answer = await ask(accept, { closed });
        expect(answer.status).toBe(200);
        expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
        expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(answer.headers.get('vary')).toMatch(/\bAccept\b/);
        const text = await answer.text();
        expect(text).toContain('href="/api/v1/docs"');
      }
    },
  );

  test.each([
    null,
    '*/*',
    'application/json',
    'application/json, text/plain, */*',
    'text/html;q=0',
    'application/json, text/html;q=0.5',
    'text/plain',
    '',
  ])('is the version for who accepts %s', async (accept) => {
    const answer = await ask(accept);
    expect([answer.status, answer.headers.get('location')]).toEqual([301, '/api/v1/agent/version']);
    expect(answer.headers.get('vary')).toMatch(/\bAccept\b/);
    expect((await ask(accept, { closed: true })).status).toBe(401);
  });

  test('has a page for GET alone, and no other path has one', async () => {
    expect((await ask('text/html', { method: 'POST' })).status).toBe(405);
    expect((await ask('text/html', { method: 'HEAD' })).status).toBe(405);
    expect((await ask('text/html', { path: '/version' })).status).toBe(301);
    expect((await ask('text/html', { path: '/livez' })).status).toBe(301);
    expect((await ask('text/html', { path: '/nothing' })).status).toBe(404);
  });

  test('links only to what there is', async () => {
    const text = await (await ask('text/html')).text();
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, path = '']) => path);
    expect(links.length).toBeGreaterThanOrEqual(4);
    for (const path of links) expect((await ask('*/*', { path })).status, path).toBe(200);
  });
});
