/** Decides which access tokens are of no consent: nothing that they have in common ends them, so each is revoked by itself. */
import type { AdapterPayload } from 'oidc-provider'
import type { StoredGrantEntry } from './grant-store.ts'

/** Its name as its bearer shows it, and the tenant in which that name counts. */
export interface NamedToken {
  readonly jti: string
  readonly tenant: string
}

/** The name of an access token that is kept as its twin; undefined for one that was never issued by us. */
export function nameOfToken({ extra }: AdapterPayload): NamedToken | undefined {
  const { jti, tenant } = (extra ?? {}) as Partial<NamedToken>
  return jti === undefined || tenant === undefined ? undefined : { jti, tenant }
}

/** What is kept of the tokens among these that stem from no consent, as those from identity assertions. */
export const loneTokens = (entries: readonly StoredGrantEntry[]): readonly AdapterPayload[] =>
  entries
    .filter(({ kind, grant }) => kind === 'AccessToken' && grant === undefined)
    .map(({ payload }) => JSON.parse(payload) as AdapterPayload)
