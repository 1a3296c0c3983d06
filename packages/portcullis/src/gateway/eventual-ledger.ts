import type { Ledger } from '../audit/ledger.ts'

const TAKEN = Promise.resolve()

/**
 * The ledger of `audit.durability: eventual`: records are written as ever, but no answer waits for the disk. A chain that
 * is known to be broken still refuses; what was on its way when it broke is lost.
 */
export const eventual = (ledger: Ledger): Ledger => ({
  intact: (tenant) => ledger.intact(tenant),
  append(tenant, body, placed) {
    ledger.append(tenant, body, placed).catch(() => undefined)
    return TAKEN
  },
})
