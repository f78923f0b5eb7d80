import { answer } from '../json.ts';
import { makeDocument } from '../openapi/document.ts';
import { page } from '../openapi/page.ts';
import { plainRoute, type Route } from './route.ts';

/** The page's own script and style are in it; it talks to nobody but this server. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The description of the API, and a page to read it.
 * @param table all routes, these too
 */
export function docsRoutes(table: () => readonly Route[]): readonly Route[] {
  // Made when it is first asked for: it takes longer than any other answer.
  let document: Record<string, unknown> | undefined;
  return [
    plainRoute({
      id: 'getOpenApi',
      method: 'get',
      path: '/api/v1/openapi.json',
      needs: 'read:agent',
      tag: 'Shoal',
      summary: 'This description of the API',
      answer: { mediaType: 'application/json', description: 'OpenAPI 3.1.' },
      example: {},
      handle: ({ c }) => answer(c, (document ??= makeDocument(table()))),
    }),
    plainRoute({
      id: 'readDocs',
      method: 'get',
      path: '/api/v1/docs',
      needs: 'read:agent',
      tag: 'Shoal',
      summary: 'The same as a page',
      answer: { mediaType: 'text/html', description: 'A page of one file.' },
      example: {},
      handle: ({ c }) =>
        c.body(page, 200, {
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': POLICY,
          'X-Content-Type-Options': 'nosniff',
        }),
    }),
  ];
}
