/**
 * Decides how the end of a certificate reaches every node within a second: by the same news as all revocations. One entry is for
 * the connections that show it, whatever stands beside it; the others end the principals that it is a credential of.
 */
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import type { Revocable } from '../identity/revocation.ts'
import type { Revocation } from '../identity/revocation-store.ts'
import type { IssuedCertificate } from '../pki/authority/issued-ledger.ts'

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

/** Asked with every request of a connection that shows a certificate; nobody is let in before it can answer. */
export class RevokedHolders {
  #is: ((thumbprint: string) => boolean) | undefined

  readonly isRevoked = (thumbprint: string): boolean => this.#is?.(thumbprint) === true

  /** From now on as it says. */
  use(is: (thumbprint: string) => boolean): void {
    this.#is = is
  }
}
