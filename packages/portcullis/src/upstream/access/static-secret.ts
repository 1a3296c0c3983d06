/** A secret that an operator deposited for a tenant or a principal, as a header. */
import { Secret } from '../../core/secret.ts'
import { credentialHeaders } from '../credentials.ts'
import type { Holder } from './holder.ts'
import { NotConnected } from './not-connected.ts'
import type { CredentialSource } from './sender.ts'
import type { TokenVault } from './token-vault.ts'

export interface StaticSecretOptions {
  readonly upstream: string
  readonly vault: TokenVault
  /** Name of the header, in lower case. */
  readonly header: string
  /** What stands before the secret, such as `Bearer`; empty for nothing. */
  readonly scheme: string
}

/** Read from the vault for each request, so that a secret that was changed or removed counts at once. */
export function staticSource(
  { upstream, vault, header, scheme }: StaticSecretOptions,
  holder: Holder,
): CredentialSource {
  return {
    async headers() {
      const deposit = await vault.get({ ...holder, upstream, kind: 'static' })
      if (deposit === undefined) throw new NotConnected(upstream, 'no secret was deposited')
      const secret = deposit.value.reveal()
      return credentialHeaders({ [header]: new Secret(scheme === '' ? secret : `${scheme} ${secret}`) })
    },
    refused: () => Promise.resolve(false),
  }
}
