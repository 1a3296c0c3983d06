/** Local accounts in this process. Each verb does its work without waiting, which makes it atomic. */
import type { Account, AccountChange, AccountStore, NewAccount } from '../../identity/server/account-store.ts'

interface Row extends Account {
  readonly totpStep: number
}

export class MemoryAccounts implements AccountStore {
  readonly #byId = new Map<string, Row>()

  async insert(account: NewAccount): Promise<boolean> {
    if (this.#byId.has(account.id) || this.#named(account.name) !== undefined) return false
    this.#byId.set(account.id, { ...account, failures: 0, lockedUntil: 0, totpStep: 0 })
    return true
  }

  async findById(id: string): Promise<Account | undefined> {
    return plain(this.#byId.get(id))
  }

  async findByName(name: string): Promise<Account | undefined> {
    return plain(this.#named(name))
  }

  async list(tenant: string): Promise<readonly Account[]> {
    const rows = [...this.#byId.values()].filter((row) => row.tenant === tenant)
    return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((row) => plain(row) as Account)
  }

  async update(tenant: string, id: string, change: AccountChange): Promise<boolean> {
    const row = this.#byId.get(id)
    if (row === undefined || row.tenant !== tenant) return false
    const { totp = row.totp, disabledAt = row.disabledAt, roles = row.roles, password = row.password } = change
    const { totp: _totp, disabledAt: _disabledAt, password: _password, ...rest } = row
    this.#byId.set(id, {
      ...rest,
      roles,
      ...(password !== undefined && { password }),
      ...(typeof totp === 'string' && { totp }),
      ...(typeof disabledAt === 'number' && { disabledAt }),
    })
    return true
  }

  async resealTotp(tenant: string, id: string, old: string, sealed: string): Promise<boolean> {
    const row = this.#byId.get(id)
    if (row === undefined || row.tenant !== tenant || row.totp !== old) return false
    this.#byId.set(id, { ...row, totp: sealed })
    return true
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    return this.#byId.get(id)?.tenant === tenant && this.#byId.delete(id)
  }

  async attempt(id: string, failures: number, now: number, lockedUntil: number): Promise<boolean> {
    const row = this.#byId.get(id)
    if (row === undefined || row.lockedUntil > now || row.failures !== failures) return false
    this.#byId.set(id, { ...row, failures: failures + 1, lockedUntil: Math.max(row.lockedUntil, lockedUntil) })
    return true
  }

  async succeed(id: string, totpStep: number): Promise<boolean> {
    const row = this.#byId.get(id)
    if (row === undefined || (totpStep > 0 && totpStep <= row.totpStep)) return false
    this.#byId.set(id, { ...row, failures: 0, lockedUntil: 0, totpStep: Math.max(totpStep, row.totpStep) })
    return true
  }

  #named(name: string): Row | undefined {
    return [...this.#byId.values()].find((row) => row.name === name)
  }
}

function plain(row: Row | undefined): Account | undefined {
  if (row === undefined) return undefined
  const { totpStep: _totpStep, ...account } = row
  return account
}
