import { attacks } from './attacks.ts';

/**
 * The process of one attacker: `node attacker.ts <name> <port> <number> <seconds> <most blows>`. Strikes, waits for the
 * answer, strikes again, and prints how often each answer came, as JSON.
 */
const [name, port, attacker, seconds, most] = process.argv.slice(2);
const attack = attacks.find((one) => one.name === name);
if (attack === undefined) throw new Error(`there is no attack ${name}`);
const strike = await attack.arm({ port: Number(port), attacker: Number(attacker) });
const until = performance.now() + Number(seconds) * 1000;
const answers = new Map<string, number>();
for (let count = 0; count < Number(most) && performance.now() < until; count++) {
  const answer = await strike(count);
  answers.set(answer, (answers.get(answer) ?? 0) + 1);
}
process.stdout.write(JSON.stringify(Object.fromEntries(answers)), () => process.exit(0));
