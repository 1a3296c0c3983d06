/** Decides what a person has let in and where they are signed in, from what is kept of it, and ends it. */
import { methodsOf } from '../came-by.ts'
import type { GrantStore, StoredGrantEntry } from '../grant-store.ts'
import { loneTokens } from '../lone-tokens.ts'
import { digestOf, endGrant, type StoredModelParts } from '../stored-model.ts'

/** Instants are milliseconds since the epoch. */
export interface Consent {
  /** Digest of the consent's id: good for naming it, not for using it. */
  readonly id: string
  readonly clientId: string
  readonly resources: readonly string[]
  readonly scopes: readonly string[]
  readonly since: number
  readonly until: number
}

/** A browser that applications take a person for signed in with. */
export interface BrowserSession {
  readonly id: string
  readonly methods: readonly string[]
  readonly since: number
  readonly until: number
}

interface GrantPayload {
  readonly clientId?: string
  readonly iat?: number
  readonly openid?: { readonly scope?: string }
  readonly resources?: Readonly<Record<string, string>>
}

interface SessionPayload {
  readonly loginTs?: number
  readonly amr?: readonly string[]
  readonly authorizations?: Readonly<Record<string, { readonly grantId?: string }>>
}

export async function letIn(
  grants: GrantStore,
  account: string,
  now: number,
): Promise<{ readonly consents: readonly Consent[]; readonly sessions: readonly BrowserSession[] }> {
  const entries = (await grants.ofAccounts([account])).filter(({ expiresAt }) => expiresAt > now)
  const newest = (a: { since: number }, b: { since: number }) => b.since - a.since
  return {
    consents: entries
      .filter(({ kind }) => kind === 'Grant')
      .map(consentOf)
      .toSorted(newest),
    sessions: entries
      .filter(({ kind }) => kind === 'Session')
      .map(sessionOf)
      .toSorted(newest),
  }
}

/** Its tokens are worth nothing from now on. False when the account has no such consent. */
export async function endConsent(models: StoredModelParts, account: string, id: string): Promise<boolean> {
  const entries = await models.grants.ofAccounts([account])
  if (!entries.some(({ kind, digest }) => kind === 'Grant' && digest === id)) return false
  const named = familiesOf(entries).find((family) => digestOf(family) === id)
  // Without an entry that names it nothing stems from it any more.
  if (named === undefined) await models.grants.remove('Grant', id)
  else await endGrant(models, named)
  return true
}

/** As signing out in that browser. False when the account has no such session. */
export async function endSession(models: StoredModelParts, account: string, id: string): Promise<boolean> {
  const entries = await models.grants.ofAccounts([account])
  const session = entries.find(({ kind, digest }) => kind === 'Session' && digest === id)
  if (session === undefined) return false
  await models.grants.remove('Session', id)
  for (const family of grantedIn(session)) await endGrant(models, family)
  return true
}

/** Every consent, session and visit of the account, and every token that stems from no consent. */
export async function endAll(models: StoredModelParts, account: string): Promise<void> {
  for (const family of familiesOf(await models.grants.ofAccounts([account]))) await endGrant(models, family)
  for (const token of loneTokens(await models.grants.removeAccount(account))) await models.onTokenEnded(token)
}

const familiesOf = (entries: readonly StoredGrantEntry[]): readonly string[] => [
  ...new Set(entries.flatMap((entry) => [...(entry.grant === undefined ? [] : [entry.grant]), ...grantedIn(entry)])),
]

function grantedIn({ kind, payload }: StoredGrantEntry): readonly string[] {
  if (kind !== 'Session') return []
  const { authorizations = {} } = JSON.parse(payload) as SessionPayload
  return Object.values(authorizations).flatMap(({ grantId }) => grantId ?? [])
}

function consentOf({ digest, payload, expiresAt }: StoredGrantEntry): Consent {
  const { clientId = '', iat = 0, openid, resources = {} } = JSON.parse(payload) as GrantPayload
  const scopes = [openid?.scope ?? '', ...Object.values(resources)].flatMap((text) => text.split(' '))
  return {
    id: digest,
    clientId,
    resources: Object.keys(resources),
    scopes: [...new Set(scopes.filter((scope) => scope !== ''))],
    since: iat * 1000,
    until: expiresAt,
  }
}

function sessionOf({ digest, payload, expiresAt }: StoredGrantEntry): BrowserSession {
  const { loginTs = 0, amr = [] } = JSON.parse(payload) as SessionPayload
  return { id: digest, methods: methodsOf(amr), since: loginTs * 1000, until: expiresAt }
}
