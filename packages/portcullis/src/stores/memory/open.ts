/** Stores that end with the process: for tests, and for gateways without keys of their own. */
import type { Stores } from '../stores.ts'
import { MemoryApiKeys } from './api-keys.ts'
import { MemoryRevocations } from './revocations.ts'

export function openMemoryStores(): Stores {
  return {
    apiKeys: new MemoryApiKeys(),
    revocations: new MemoryRevocations(),
    health: async () => {},
    close: async () => {},
  }
}
