import { generateKeyPairSync } from 'node:crypto';
import { connect } from 'node:net';
import { send, type Attack, type Strike, type Target } from './attack.ts';

const JOBS = '/api/v1/orchestrator/jobs';
const LOGIN = '/api/v1/auth/ClientKey';
const LARGE_BODY_BYTES = 9_900_000;

const basic = (name: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});

/** A wrong answer to the login's challenge: a real key, and a signature of its length. */
function login(): Buffer {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
  const key = publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64');
  const answer = JSON.stringify({ PhraseSignature: Buffer.alloc(512, 1).toString('base64'), PublicKey: key });
  return Buffer.from(JSON.stringify({ MethodData: Buffer.from(answer).toString('base64') }));
}

/** What no client library sends, over a socket of its own. */
function raw({ port }: Target, head: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => resolve('broken'));
    socket.on('close', () => resolve('closed'));
    socket.on('data', (data) => {
      resolve(data.toString('latin1').split(' ')[1] ?? 'nothing');
      socket.destroy();
    });
    socket.write(head);
  });
}

/** Callers that show nothing, or what is wrong. */
const strikes: Readonly<Record<string, { readonly mode: Attack['mode']; readonly arm: (target: Target) => Strike }>> = {
  'wrong passwords of one user': {
    mode: 'closed',
    arm: (target) => (count) =>
      send(target, { method: 'GET', path: JOBS, headers: basic('ana', `wrong ${target.attacker} ${count}`) }),
  },
  'passwords of made-up users': {
    mode: 'closed',
    arm: (target) => (count) =>
      send(target, { method: 'GET', path: JOBS, headers: basic(`u${target.attacker}x${count}`, 'guess') }),
  },
  'made-up keys': {
    mode: 'closed',
    arm: (target) => (count) =>
      send(target, {
        method: 'GET',
        path: JOBS,
        headers: { authorization: `Bearer ${target.attacker} ${count}`, 'cf-connecting-ip': `10.0.0.${count % 256}` },
      }),
  },
  'logins with forged signatures': {
    mode: 'open',
    arm: (target) => {
      const body = login();
      return () => send(target, { method: 'POST', path: LOGIN, body });
    },
  },
  'logins of 9.9 MB': {
    mode: 'open',
    arm: (target) => {
      const body = Buffer.from(`{"MethodData":"data:${'x'.repeat(LARGE_BODY_BYTES)}"}`);
      return () => send(target, { method: 'POST', path: LOGIN, body });
    },
  },
  'hosts that are none': {
    mode: 'open',
    arm: (target) => (count) => {
      const host = ['Host: a%00', 'Host: [', 'Host: 127.0.0.1\r\nHost: 127.0.0.1'][count % 3];
      return raw(target, `GET ${JOBS}?pretty HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`);
    },
  },
};

export const callerAttacks: readonly Attack[] = Object.entries(strikes).map(([name, { mode, arm }]) => ({
  name,
  mode,
  arm,
}));
