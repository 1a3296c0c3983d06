/** The secrets of accounts as rows that can be sealed anew. */
import { mayBeStale, type SealedRows } from '../data-protection/reseal.ts'
import type { AccountStore } from '../identity/server/account-store.ts'
import { placeOf } from '../identity/server/totp.ts'

export function accountRows(accounts: Pick<AccountStore, 'list' | 'findById' | 'resealTotp'>): SealedRows {
  return {
    async stale(tenant, seal) {
      const found = await accounts.list(tenant)
      return found.filter(({ totp }) => totp !== undefined && mayBeStale(seal, totp)).map(({ id }) => id)
    },
    async reseal(tenant, id, seal) {
      const account = await accounts.findById(id)
      if (account?.totp === undefined || account.tenant !== tenant || !seal.isStale(account.totp)) return false
      const { tenant: _tenant, ...cell } = placeOf(account)
      return accounts.resealTotp(tenant, id, account.totp, seal.seal(seal.open(account.totp, cell), cell))
    },
  }
}
