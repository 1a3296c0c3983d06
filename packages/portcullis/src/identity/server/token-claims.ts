/** Decides what our access tokens say beside the usual: tenant, roles, how somebody signed in, and the consent. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { assertedHolder } from './assertion/asserted-holder.ts'
import { issuerOf, methodsOf } from './came-by.ts'
import { accountPrincipal, clientPrincipal, grantName } from './families.ts'
import type { ServerSettings } from './settings.ts'

export interface TokenSource {
  readonly accountId?: string
  readonly clientId?: string
  readonly grantId?: string
}

export interface TokenClaims {
  readonly tenant: string
  readonly roles: readonly string[]
  readonly amr?: readonly string[]
  readonly acr?: string
  /** The outside provider at which somebody signed in. */
  readonly idp?: string
  readonly auth_time?: number
  readonly grant?: string
}

/** Whom a token speaks for, or undefined when that is nobody: a client that a document describes has no rights of its own. */
export async function holderOf(
  { accounts, clients }: Pick<ServerSettings, 'accounts' | 'clients'>,
  { accountId, clientId }: TokenSource,
): Promise<{ readonly principal: string; readonly tenant: string; readonly roles: readonly string[] } | undefined> {
  if (accountId !== undefined) {
    const account = await accounts.findById(accountId)
    if (account === undefined || account.disabledAt !== undefined) return undefined
    return { principal: accountPrincipal(account.id), tenant: account.tenant, roles: account.roles }
  }
  const client = clientId === undefined ? undefined : await clients.find(clientId)
  if (client === undefined || client.disabledAt !== undefined) return undefined
  return { principal: clientPrincipal(client.id), tenant: client.tenant, roles: client.roles }
}

/** Undefined when the token may not be issued. */
export async function claimsOf(
  settings: Pick<ServerSettings, 'accounts' | 'clients'>,
  context: KoaContextWithOIDC,
  token: TokenSource,
): Promise<TokenClaims | undefined> {
  const asserted = assertedHolder(context, token)
  const holder = asserted ?? (await holderOf(settings, token))
  if (holder === undefined) return undefined
  const { AuthorizationCode: code, RefreshToken: refresh, DeviceCode: device } = context.oidc.entities
  const { amr, acr, authTime } = (code ?? refresh ?? device ?? asserted ?? {}) as {
    amr?: readonly string[]
    acr?: string
    authTime?: number
  }
  const idp = issuerOf(amr ?? [])
  return {
    tenant: holder.tenant,
    roles: holder.roles,
    ...(amr !== undefined && { amr: methodsOf(amr) }),
    ...(idp !== undefined && { idp }),
    ...(acr !== undefined && { acr }),
    ...(authTime !== undefined && { auth_time: authTime }),
    ...(token.grantId !== undefined && { grant: grantName(token.grantId) }),
  }
}
