import type { Hono } from 'hono';
import type { HttpEnv } from '../deps.ts';
import { answer } from '../json.ts';
import { makeDocument } from '../openapi/document.ts';
import { page } from '../openapi/page.ts';

/** The page's own script and style are in it; it talks to nobody but this server. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** The description of the API, and a page to read it. */
export function addDocsRoutes(app: Hono<HttpEnv>): void {
  // Made when it is first asked for: it takes longer than any other answer.
  let document: Record<string, unknown> | undefined;
  app.get('/api/v1/openapi.json', (c) => answer(c, (document ??= makeDocument())));
  app.get('/api/v1/docs', (c) =>
    c.body(page, 200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': POLICY,
      'X-Content-Type-Options': 'nosniff',
    }),
  );
}
