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

/**
 * The tenant's own credential, else that of one of its principals, who stays the one for as long as it is there: what an
 * account sees may differ, and nobody is to become the source of everybody's tools by connecting later.
 */
export function lentSource({ upstream, kind, tenant, vault, sourceOf }: LenderOptions): CredentialSource {
  let last: CredentialSource | undefined
  let kept: string | undefined
  const holder = async (): Promise<Holder> => {
    const all = (await vault.list(tenant)).filter((one) => one.upstream === upstream && one.kind === kind)
    const [first] = all.toSorted((a, b) => rank(a, kept) - rank(b, kept))
    if (first === undefined) throw new NotConnected(upstream, 'nobody has lent a credential', { upstream, scopes: [] })
    kept = first.principal
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

interface Lendable {
  readonly principal?: string
  readonly updatedAt: number
}

/** The least is lent. */
const rank = ({ principal, updatedAt }: Lendable, kept: string | undefined): number => {
  if (principal === undefined) return -2
  return principal === kept ? -1 : updatedAt
}
