import { applyD1Migrations, reset, type D1Migration } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { D1Store } from '../../src/store/d1-store.ts';
import { storeContract } from '../contract/store-contract.ts';

const { DB, MIGRATIONS } = env as unknown as { DB: D1Database; MIGRATIONS: D1Migration[] };

storeContract('the store on D1', async () => {
  await reset();
  await applyD1Migrations(DB, MIGRATIONS);
  return new D1Store(DB);
});
