/** Decides what happens to an account from its first day to its last. What ends it ends what it may do, at once. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Revocation } from '../revocation-store.ts'
import { accountName } from './account-name.ts'
import type { Account, AccountStore, NewAccount } from './account-store.ts'
import { accountPrincipal, grantFamily } from './families.ts'
import type { GrantStore, StoredGrantEntry } from './grant-store.ts'
import { invite } from './invitations.ts'
import { loneTokens, nameOfToken } from './lone-tokens.ts'
import { hashPassword } from './password.ts'
import type { Passkey, PasskeyStore } from './passkeys/passkey-store.ts'
import type { AccountLink, AccountLinkStore } from './providers/account-link-store.ts'
import type { Seal } from './seal.ts'
import { lastTokenEnds } from './token-end.ts'
import { enrolTotp } from './totp.ts'

export interface AccountLifecycleParts {
  readonly accounts: AccountStore
  readonly grants: GrantStore
  readonly passkeys: PasskeyStore
  readonly accountLinks: AccountLinkStore
  readonly revocations: { revoke(revocation: Revocation): Promise<void> }
  readonly seal: Seal
  readonly clock: Clock
  /** Seconds that an access token lives: a revocation has to last longer. */
  readonly accessTokenSeconds: number
}

export interface AccountRequest {
  readonly tenant: string
  readonly name: string
  readonly roles: readonly string[]
}

export class AccountLifecycle {
  readonly #parts: AccountLifecycleParts

  constructor(parts: AccountLifecycleParts) {
    this.#parts = parts
  }

  /** Undefined when the name is taken, or is none. `before` is told what is about to be made; when it rejects, nothing is. */
  async add(
    { tenant, name: text, roles }: AccountRequest,
    before: (account: NewAccount) => Promise<void> = async () => {},
  ): Promise<Account | undefined> {
    const { accounts, clock } = this.#parts
    const name = accountName(text)
    if (name === undefined) return undefined
    const account = { id: randomBytes(15).toString('hex'), tenant, name, roles, createdAt: clock.now() }
    if ((await accounts.findByName(name)) !== undefined) return undefined
    await before(account)
    if (!(await accounts.insert(account))) return undefined
    return { ...account, failures: 0, lockedUntil: 0 }
  }

  list(tenant: string): Promise<readonly Account[]> {
    return this.#parts.accounts.list(tenant)
  }

  /** Undefined unless the tenant has an account of this name. */
  async find(tenant: string, text: string): Promise<Account | undefined> {
    const name = accountName(text)
    const account = name === undefined ? undefined : await this.#parts.accounts.findByName(name)
    return account?.tenant === tenant ? account : undefined
  }

  /** Path and query, below the server's own path, of a link with which a password can be chosen once. */
  invite({ id }: Account): Promise<string> {
    return invite(this.#parts, id)
  }

  /** Who changes a password may have lost the old one: all sign-ins with it end. */
  async setPassword(account: Account, password: string): Promise<void> {
    await this.#parts.accounts.update(account.tenant, account.id, { password: await hashPassword(password) })
    await this.#endGrants(account, 'the password was changed')
  }

  /** The `otpauth://` URI of a new second factor; it holds the secret, and it is not shown again. */
  async enrolTotp(account: Account, issuer: string): Promise<string> {
    const { sealed, uri } = await enrolTotp(this.#parts.seal, account, issuer)
    await this.#parts.accounts.update(account.tenant, account.id, { totp: sealed })
    return uri
  }

  async removeTotp({ id, tenant }: Account): Promise<void> {
    await this.#parts.accounts.update(tenant, id, { totp: null })
  }

  passkeysOf({ id }: Account): Promise<readonly Passkey[]> {
    return this.#parts.passkeys.ofAccount(id)
  }

  /** False when the account has none of this id. Whoever had it may have used it: all sign-ins end. */
  async removePasskey(account: Account, id: string): Promise<boolean> {
    const known = await this.passkeysOf(account)
    if (!known.some((passkey) => passkey.id === id)) return false
    return this.#endAround(account, 'a passkey was removed', () => this.#parts.passkeys.remove(account.id, id))
  }

  /** Lets somebody whom an issuer knows by this subject sign in as this account. False when that is another one already. */
  async link({ id: account, tenant }: Account, issuer: string, subject: string): Promise<boolean> {
    const { accountLinks, clock } = this.#parts
    return accountLinks.add({ issuer, subject, account, tenant, origin: 'operator', createdAt: clock.now() })
  }

  linksOf({ id }: Account): Promise<readonly AccountLink[]> {
    return this.#parts.accountLinks.ofAccount(id)
  }

  /** False when there is no such link. What was signed in by it ends. */
  async unlink(account: Account, issuer: string, subject: string): Promise<boolean> {
    const known = await this.linksOf(account)
    if (!known.some((link) => link.issuer === issuer && link.subject === subject)) return false
    const unlink = () => this.#parts.accountLinks.remove(account.id, issuer, subject)
    return this.#endAround(account, 'the sign-in at a provider was unlinked', unlink)
  }

  /** Its sign-ins, consents and tokens end at once, on every node within a second. */
  async disable(account: Account): Promise<void> {
    await this.#parts.accounts.update(account.tenant, account.id, { disabledAt: this.#parts.clock.now() })
    await this.#revoke(account, 'principal', accountPrincipal(account.id), 'the account was disabled')
    await this.#endGrants(account, 'the account was disabled')
  }

  /** What it could do before has ended: a token carries the roles of its day. */
  async setRoles(account: Account, roles: readonly string[]): Promise<void> {
    await this.#parts.accounts.update(account.tenant, account.id, { roles })
    await this.#endGrants(account, 'the roles were changed')
  }

  /** As `disable`, for good; its name is free again. False when somebody else was first. */
  async remove(account: Account): Promise<boolean> {
    await this.disable(account)
    await this.#parts.passkeys.removeAccount(account.id)
    await this.#parts.accountLinks.removeAccount(account.id)
    return this.#parts.accounts.remove(account.tenant, account.id)
  }

  /** What ended stays ended; the person can sign in again once the last token from before has expired. */
  async enable({ id, tenant }: Account): Promise<void> {
    await this.#parts.accounts.update(tenant, id, { disabledAt: null })
  }

  /** Sign-ins end before `take` takes a way to sign in away, so that a second try finds it, and those that came meanwhile end after. */
  async #endAround(account: Account, reason: string, take: () => Promise<boolean>): Promise<boolean> {
    await this.#endGrants(account, reason)
    const taken = await take()
    await this.#endGrants(account, reason)
    return taken
  }

  /**
   * Each access token has a twin in the store that names its family, or itself when it has none: this reaches all of them.
   * Who failed to revoke them must find them again, so they are dropped last; what came meanwhile is revoked then.
   */
  async #endGrants(account: Account, reason: string): Promise<void> {
    const { grants } = this.#parts
    const revoked = new Set<string>()
    const revoke = async (entries: readonly StoredGrantEntry[]) => {
      const fresh = namesOf(entries).filter((name) => !revoked.has(name))
      for (const name of fresh) await this.#revoke(account, 'token', name, reason)
      for (const name of fresh) revoked.add(name)
    }
    await revoke(await grants.ofAccounts([account.id]))
    await revoke(await grants.removeAccount(account.id))
  }

  async #revoke({ tenant }: Account, kind: Revocation['kind'], id: string, reason: string): Promise<void> {
    const { revocations, clock, accessTokenSeconds } = this.#parts
    const from = clock.now()
    await revocations.revoke({ kind, tenant, id, from, until: lastTokenEnds(from, accessTokenSeconds), reason })
  }
}

/** Names by which all that these entries tell of is revoked. */
function namesOf(entries: readonly StoredGrantEntry[]): readonly string[] {
  const families = new Set(entries.flatMap(({ grant }) => (grant === undefined ? [] : [grantFamily(grant)])))
  return [...families, ...loneTokens(entries).flatMap((token) => nameOfToken(token)?.jti ?? [])]
}
