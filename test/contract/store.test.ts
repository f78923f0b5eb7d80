import { D1Store } from '../../src/store/d1-store.ts';
import { MemoryStore } from '../../src/store/memory-store.ts';
import { FakeD1 } from '../fakes/d1.ts';
import { storeContract } from './store-contract.ts';

storeContract('the store in memory', async () => new MemoryStore());
storeContract('the store on D1, over SQLite', async () => new D1Store(new FakeD1()));
