/** Opens what stands behind our own certificate: its source, its first issue, and what is published about it. */
import type { Logger } from '../audit/log.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { Clock } from '../core/clock.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { RevokedHolders } from './certificate-revocation.ts'
import { IssuanceRecord, type ObtainCertificate, ownCertificate } from './own-certificate.ts'
import { type Publication, publishRevocations } from './publish-revocations.ts'

export interface OwnParts {
  readonly config: Config
  readonly layout: StateLayout
  readonly clock: Clock
  readonly log: Logger
}

export interface Own {
  readonly issuance: IssuanceRecord
  /** Absent where nothing is published. */
  readonly publication: Publication | undefined
  /** Whose certificates were revoked since their connections began. */
  readonly revoked: RevokedHolders
  /** Absent where the listener speaks no TLS. */
  readonly shown: { readonly obtain: ObtainCertificate; readonly pair: KeyPair } | undefined
  close(): Promise<void>
}

/** Rejects with PkiError, or with the system's error for an address that is taken. */
export async function openOwn({ config, layout, clock, log }: OwnParts): Promise<Own> {
  const issuance = new IssuanceRecord(log)
  const publication = await publishRevocations({ config, layout, clock, log, announce: issuance.onIssued })
  const close = async () => publication?.close()
  try {
    const obtain = config.listen.plaintext === undefined ? ownCertificate(config, layout, issuance) : undefined
    const shown = obtain && { obtain, pair: await obtain(clock.now()) }
    return { issuance, publication, revoked: new RevokedHolders(), shown, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}
