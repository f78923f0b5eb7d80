/** Reads `openapi.json` and shows it. One file without anything from elsewhere. */
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Shoal API</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; background: #fff }
  @media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 } }
  details { border: 1px solid #8884; border-radius: 6px; margin: .4rem 0; padding: .3rem .7rem }
  summary { cursor: pointer }
  code, pre { font: 13px/1.45 ui-monospace, monospace }
  pre { overflow: auto; padding: .6rem; background: #8881; border-radius: 4px }
  .method { display: inline-block; min-width: 4.2rem; font-weight: 600; text-transform: uppercase }
  td, th { text-align: left; vertical-align: top; padding: .1rem .8rem .1rem 0 }
</style>
<h1>Shoal API</h1>
<p id="about">Reading <a href="/api/v1/openapi.json">openapi.json</a> …</p>
<main></main>
<script>
const el = (tag, text, ...children) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
};
const nameOf = (schema) => schema.$ref ? schema.$ref.split('/').pop() : null;
const curlOf = (method, path, op, body) => {
  const given = op.parameters.filter((p) => p.example !== undefined);
  const filled = given.filter((p) => p.in === 'path').reduce((text, p) => text.replace('{' + p.name + '}', p.example), path);
  const query = new URLSearchParams(given.filter((p) => p.in === 'query').map((p) => [p.name, String(p.example)])).toString();
  const data = body === undefined ? '' : " -H 'Content-Type: application/json' -d '" + JSON.stringify(body).replaceAll("'", "'\\\\''") + "'";
  return 'curl -X ' + method.toUpperCase() + data + " '" + location.origin + filled + (query ? '?' + query : '') + "'";
};
const jsonOf = (content) => content && content['application/json'] && content['application/json'].schema;

function schemaBlock(title, schema, all) {
  const box = el('div', '', el('h4', title + (nameOf(schema) ? ': ' + nameOf(schema) : '')));
  const target = nameOf(schema) ? all[nameOf(schema)] : schema;
  box.append(el('pre', JSON.stringify(target, null, 2)));
  return box;
}

function parameters(list) {
  const table = el('table');
  for (const p of list) {
    const type = p.schema.enum ? p.schema.enum.join(' | ') : p.schema.type;
    table.append(el('tr', '', el('td', '', el('code', p.name)), el('td', p.in), el('td', type), el('td', p.description || '')));
  }
  return table;
}

function operation(method, path, op, all) {
  const head = el('summary', '', Object.assign(el('span', method), { className: 'method' }), el('code', path), ' ' + op.summary);
  const box = el('details', '', head);
  box.id = op.operationId;
  box.addEventListener('toggle', () => {
    if (box.childElementCount > 1) return;
    if (op.parameters.length) box.append(el('h4', 'Parameters'), parameters(op.parameters));
    const body = op.requestBody && jsonOf(op.requestBody.content);
    const [type, answer] = Object.entries(op.responses['200'].content)[0];
    const sent = op.requestBody && op.requestBody.content['application/json'].example;
    box.append(el('h4', 'Example'), el('pre', curlOf(method, path, op, sent)));
    const got = answer.example;
    if (got !== undefined) box.append(el('pre', typeof got === 'string' ? got : JSON.stringify(got, null, 2)));
    const refusals = el('table');
    for (const [status, refusal] of Object.entries(op.responses))
      if (Number(status) >= 400) refusals.append(el('tr', '', el('td', status), el('td', refusal.description)));
    box.append(el('h4', 'Refusals'), refusals);
    if (body) box.append(schemaBlock('Body', body, all));
    box.append(schemaBlock(type === 'application/json' ? 'Answer' : 'Answer, ' + type, answer.schema, all));
  });
  return box;
}

async function show() {
  const about = document.getElementById('about');
  const response = await fetch('/api/v1/openapi.json');
  if (!response.ok) throw new Error('openapi.json: ' + response.status);
  const doc = await response.json();
  about.textContent = doc.info.description + ' Version ' + doc.info.version + '.';
  const groups = new Map();
  for (const [path, methods] of Object.entries(doc.paths))
    for (const [method, op] of Object.entries(methods)) {
      const tag = op.tags[0];
      if (!groups.has(tag)) groups.set(tag, el('section', '', el('h2', tag)));
      groups.get(tag).append(operation(method, path, op, doc.components.schemas));
    }
  document.querySelector('main').append(...groups.values());
  document.body.dataset.shown = 'yes';
}
show().catch((error) => { document.getElementById('about').textContent = String(error); });
</script>
</html>
`;
