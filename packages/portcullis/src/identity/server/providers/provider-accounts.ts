/** Decides which account here a person of an outside provider is: by issuer and subject, and never by a name or an address. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { Fault } from '../../../core/fault.ts'
import { type MappedClaims, mapClaims } from '../../claims.ts'
import { accountName } from '../account-name.ts'
import type { Account, AccountStore } from '../account-store.ts'
import { accountPrincipal } from '../families.ts'
import { FEDERATED, type SignedIn } from '../sign-in-method.ts'
import type { Witness } from '../witness.ts'
import type { AccountLink, AccountLinkStore } from './account-link-store.ts'
import type { ProviderClaims, ProviderSettings } from './outside-provider.ts'
import { admissionProblem, textAt } from './provider-rules.ts'

export interface ProviderAccountsParts {
  readonly accounts: AccountStore
  readonly links: AccountLinkStore
  readonly witness: Witness
  readonly clock: Clock
  /** Sets the roles and ends what the account could do before. */
  readonly setRoles: (account: Account, roles: readonly string[]) => Promise<void>
}

type Provider = Pick<ProviderSettings, 'name' | 'issuer' | 'rules'>

const MAX_SUBJECT_CHARS = 255
const MAX_METHODS = 16

export class ProviderAccounts {
  readonly #parts: ProviderAccountsParts

  constructor(parts: ProviderAccountsParts) {
    this.#parts = parts
  }

  /** Rejects with `identity.sign_in_failed`; why is in its detail. */
  async signedIn(provider: Provider, claims: ProviderClaims): Promise<SignedIn> {
    if (claims.sub.length > MAX_SUBJECT_CHARS) throw refused(provider, 'the subject is too long')
    const problem = admissionProblem(provider.rules, claims)
    if (problem !== undefined) throw refused(provider, problem)
    const link = await this.#parts.links.find(provider.issuer, claims.sub)
    const account =
      link === undefined ? await this.#create(provider, claims) : await this.#linked(provider, link, claims)
    if (account.disabledAt !== undefined) throw refused(provider, 'the account is disabled')
    return { accountId: account.id, issuer: provider.issuer, ...strengthOf(provider, claims) }
  }

  async #linked(provider: Provider, link: AccountLink, claims: ProviderClaims): Promise<Account> {
    const account = await this.#parts.accounts.findById(link.account)
    if (account === undefined) throw refused(provider, 'the account is gone')
    if (link.origin === 'operator') return account
    const { tenant, roles } = mapped(provider, claims)
    // Nobody moves from one tenant to another by a claim.
    if (tenant !== account.tenant) throw refused(provider, 'another tenant')
    return this.#withRoles(provider, account, roles)
  }

  /** The provider says today what the person may be today. */
  async #withRoles({ name }: Provider, account: Account, roles: readonly string[]): Promise<Account> {
    if (JSON.stringify(roles.toSorted()) === JSON.stringify(account.roles.toSorted())) return account
    const { accounts, witness, setRoles } = this.#parts
    const facts = { provider: name, before: account.roles, after: roles }
    await witness.changed(account.tenant, 'user.roles-changed', accountPrincipal(account.id), facts)
    // What lost a role must not live on in tokens that still name it.
    if (account.roles.some((role) => !roles.includes(role))) await setRoles(account, roles)
    else await accounts.update(account.tenant, account.id, { roles })
    return { ...account, roles }
  }

  /** A name that is taken stays whose it is: an address at another provider proves nothing about the person here. */
  async #create(provider: Provider, claims: ProviderClaims): Promise<Account> {
    const { accounts, links, witness, clock } = this.#parts
    const { issuer, rules } = provider
    if (!rules.creates) throw refused(provider, 'no account is linked')
    const { tenant, roles } = mapped(provider, claims)
    const name = accountName(textAt(claims, rules.nameClaim) ?? '')
    if (name === undefined) throw refused(provider, 'no usable name')
    if ((await accounts.findByName(name)) !== undefined) throw refused(provider, 'the name is taken')
    const account = { id: randomBytes(15).toString('hex'), tenant, name, roles, createdAt: clock.now() }
    const link = { issuer, subject: claims.sub, account: account.id, tenant, createdAt: clock.now() }
    const facts = { provider: provider.name, name, roles }
    await witness.changed(tenant, 'user.created', accountPrincipal(account.id), facts)
    // First the link: it lets one of many through. Without its account it opens nothing.
    if (!(await links.add({ ...link, origin: 'provider' }))) throw refused(provider, 'signed in twice at once')
    if (await accounts.insert(account)) return { ...account, failures: 0, lockedUntil: 0 }
    await links.remove(account.id, issuer, claims.sub)
    throw refused(provider, 'the name is taken')
  }
}

function mapped(provider: Provider, claims: ProviderClaims): MappedClaims {
  try {
    return mapClaims(claims, provider.rules.claims)
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
    throw refused(provider, String(thrown.detail['reason'] ?? 'claims'))
  }
}

/** `fed` says that somebody else has looked; how, only where that is believed. */
function strengthOf({ rules }: Provider, { amr, acr }: ProviderClaims): Pick<SignedIn, 'amr' | 'acr'> {
  if (!rules.believesStrength) return { amr: [FEDERATED] }
  const said = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 255
  const methods = Array.isArray(amr) && amr.length <= MAX_METHODS ? amr.filter(said) : []
  return { amr: [...new Set([FEDERATED, ...methods])], ...(said(acr) && { acr }) }
}

const refused = ({ name }: Provider, reason: string): Fault =>
  new Fault('identity.sign_in_failed', { provider: name, reason })
