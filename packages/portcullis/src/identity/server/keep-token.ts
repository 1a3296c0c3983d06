/** Decides what has to be done before an access token leaves: it is on record and in the store, so that it can be revoked. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import { assertedHolder } from './assertion/asserted-holder.ts'
import { grantFamily } from './families.ts'
import type { ServerSettings } from './settings.ts'
import { StoredModel, type StoredModelParts } from './stored-model.ts'
import { holderOf, type TokenSource } from './token-claims.ts'
import type { IssuedToken, TokenHandles } from './token-handles.ts'

export interface KeepTokenParts {
  readonly settings: ServerSettings
  readonly models: StoredModelParts
  readonly handles: TokenHandles
}

/** Rejects when it cannot be kept or recorded: then the token is not issued. */
export async function keepToken(
  { settings, models, handles }: KeepTokenParts,
  context: KoaContextWithOIDC,
  token: object,
  { iat, exp }: { readonly iat?: number; readonly exp?: number },
): Promise<undefined> {
  const issued = token as IssuedToken & TokenSource
  if (iat === undefined || exp === undefined) throw new TypeError('a token without times')
  const asserted = assertedHolder(context, issued)
  const holder = asserted ?? (await holderOf(settings, issued))
  await handles.keep(
    { ...pick(issued), iat, exp },
    {
      AccessToken: new StoredModel('AccessToken', models),
      ClientCredentials: new StoredModel('ClientCredentials', models),
    },
  )
  const { jti, clientId: client, aud: resource, scope } = issued
  const grant = issued.grantId === undefined ? {} : { grant: grantFamily(issued.grantId) }
  const assertion = asserted && { asserted: { by: asserted.issuer, jti: asserted.jti } }
  const facts = { jti, client, resource, scope, ...grant, ...assertion, flow: context.oidc.params?.['grant_type'] }
  await settings.witness.changed(holder?.tenant, 'token.issued', holder?.principal, facts)
  return undefined
}

function pick(token: IssuedToken): IssuedToken {
  const { jti, kind, clientId, aud, scope, accountId, grantId, jkt, extra, iat, exp } = token
  return {
    ...{ jti, kind, clientId, aud, extra, iat, exp },
    ...(scope !== undefined && { scope }),
    ...(accountId !== undefined && { accountId }),
    ...(grantId !== undefined && { grantId }),
    ...(jkt !== undefined && { jkt }),
  }
}
