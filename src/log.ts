/** One line per request, message and turn: a JSON object with the same field names everywhere. Never a credential. */
export function log(
  event: string,
  fields: Readonly<Record<string, unknown>> = {},
  level: 'info' | 'warn' | 'error' = 'info',
): void {
  const line = JSON.stringify({ ts: new Date().toISOString(), level, event, ...fields });
  if (level === 'error') console.error(line);
  else console.log(line);
}
