/** Decides with whose credential the gateway reads what it has to know of an upstream: the list of its tools. */
import type { Holder } from './holder.ts'
import { NotConnected } from './not-connected.ts'
import type { CredentialSource } from './sender.ts'
import type { CredentialName, TokenVault } from './token-vault.ts'

export interface LenderOptions {
  readonly upstream: string
  readonly kind: CredentialName['kind']
  /** The tenant whose credentials are lent for that; those of others never are. */
  readonly tenant: string
  readonly vault: TokenVault
  readonly sourceOf: (holder: Holder) => CredentialSource
}

/** The tenant's own credential, else the one of its principals that was changed last. */
export function lentSource({ upstream, kind, tenant, vault, sourceOf }: LenderOptions): CredentialSource {
  let last: CredentialSource | undefined
  const holder = async (): Promise<Holder> => {
    const all = (await vault.list(tenant)).filter((one) => one.upstream === upstream && one.kind === kind)
    const [first] = all.toSorted((a, b) => rank(b) - rank(a))
    if (first === undefined) throw new NotConnected(upstream, 'nobody has lent a credential', { upstream, scopes: [] })
    return { tenant, ...(first.principal !== undefined && { principal: first.principal }) }
  }
  return {
    async headers() {
      last = sourceOf(await holder())
      return last.headers()
    },
    refused: async (response, used) => (last === undefined ? false : last.refused(response, used)),
  }
}

const rank = ({ principal, updatedAt }: { readonly principal?: string; readonly updatedAt: number }): number =>
  principal === undefined ? Number.POSITIVE_INFINITY : updatedAt
