/**
 * Decides how the end of a certificate reaches every node within a second: by the same news as all revocations. One entry is for
 * the connections that show it, whatever stands beside it; the others end the principals that it is a credential of.
 */
import { existsSync } from 'node:fs'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import type { Revocable, RevocationList } from '../identity/revocation.ts'
import type { Revocation } from '../identity/revocation-store.ts'
import type { StateLayout } from '../config/state-layout.ts'
import { type IssuedCertificate, IssuedLedger } from '../pki/authority/issued-ledger.ts'
import { authorityPlaces } from '../pki/authority/places.ts'
import { reasonWord } from '../pki/authority/reasons.ts'

/** A clock that is behind ours must not find it good again. */
const LONGER_MS = 86_400_000

/** Whoever shows the certificate, before it is known whose credential it is. */
export const certificateHolder = (thumbprint: string): Revocable => ({
  ...{ id: '', tenant: GATEWAY_TENANT },
  credential: { kind: 'certificate', id: thumbprint },
})

/** `from` in milliseconds. */
export function revocationsOf(
  { thumbprint, notAfter }: IssuedCertificate,
  { identity }: Pick<Config, 'identity'>,
  from: number,
  reason: string,
): readonly Revocation[] {
  const tenants = new Set([GATEWAY_TENANT, ...identity.certificates.map(({ tenant }) => tenant)])
  return [...tenants].map((tenant) => ({
    ...{ kind: 'token', tenant, id: thumbprint, from, reason },
    until: Math.max(notAfter, from) + LONGER_MS,
  }))
}

/**
 * Tells what the ledger of the local authority has as revoked and the news do not: a crash may have come between the two. Throws
 * PkiError for a ledger that cannot be believed, and rejects when the store does not take the news.
 */
export async function tellRevoked(
  { authority }: Pick<StateLayout, 'authority'>,
  config: Pick<Config, 'identity'>,
  revocations: Pick<RevocationList, 'covers' | 'revoke'>,
  now: number,
): Promise<void> {
  const { ledger } = authorityPlaces(authority)
  if (!existsSync(ledger)) return
  for (const issued of new IssuedLedger(ledger).all()) {
    if (issued.revoked === undefined || issued.notAfter <= now) continue
    const { at, reason } = issued.revoked
    for (const news of revocationsOf(issued, config, at, reasonWord(reason))) {
      const holder = { ...certificateHolder(issued.thumbprint), tenant: news.tenant }
      if (!revocations.covers(holder, now)) await revocations.revoke(news)
    }
  }
}

/** Asked with every request of a connection that shows a certificate; nobody is let in before it can answer. */
export class RevokedHolders {
  #is: ((thumbprint: string) => boolean) | undefined

  readonly isRevoked = (thumbprint: string): boolean => this.#is?.(thumbprint) === true

  /** From now on as it says. */
  use(is: (thumbprint: string) => boolean): void {
    this.#is = is
  }
}
