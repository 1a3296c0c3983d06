import { type TestContext } from 'node:test'
import { openMemoryStores } from '../../src/stores/memory/open.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import type { Stores } from '../../src/stores/stores.ts'
import { everyContract } from './every-contract.ts'
import { storeFile } from './store-file.ts'

const BACKENDS = {
  memory: async () => openMemoryStores(),
  sqlite: (t: TestContext) => openSqliteStores({ path: storeFile(t) }),
} satisfies Record<string, (t: TestContext) => Promise<Stores>>

for (const [name, open] of Object.entries(BACKENDS))
  everyContract(name, async (t) => {
    const stores = await open(t)
    t.after(() => stores.close())
    return stores
  })
