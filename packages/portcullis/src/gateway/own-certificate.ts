/** Decides which certificate our listeners show, and puts on record which of them were issued here. */
import type { Ledger } from '../audit/ledger.ts'
import type { Logger } from '../audit/log.ts'
import { GATEWAY_TENANT } from '../audit/record.ts'
import type { Config } from '../config/schema.ts'
import type { StateLayout } from '../config/state-layout.ts'
import type { IssuedCertificate } from '../pki/authority/issued-ledger.ts'
import type { KeyPair } from '../pki/key-pair.ts'
import { serverCertificate } from '../pki/leaf.ts'
import { readOwnCertificate } from '../pki/own-certificate.ts'
import { revocationUrl } from './publish-revocations.ts'

export interface IssuanceTold {
  readonly onIssued: (issued: IssuedCertificate) => void
  readonly onAging: (end: number) => void
}

/** Gives the pair to show at `now`; another one whatever the present one is worth, when `anew` says so. */
export type ObtainCertificate = (now: number, anew?: boolean) => Promise<KeyPair>

/** The certificate that `listen.tls` names, or one of the local authority. */
export function ownCertificate(config: Config, layout: StateLayout, told?: IssuanceTold): ObtainCertificate {
  const { certificate, key, names = [] } = config.listen.tls ?? {}
  if (certificate !== undefined && key !== undefined) {
    return (now) => Promise.resolve(readOwnCertificate(certificate.file, key.file, now))
  }
  const url = revocationUrl(config)
  return (now, anew = false) =>
    serverCertificate(layout.authority, names, { clock: { now: () => now }, url, anew, ...told })
}

/** The first one is issued before there is a record to write it in, so it waits for that. */
export class IssuanceRecord implements IssuanceTold {
  readonly #log: Logger
  readonly #waiting: IssuedCertificate[] = []
  #ledger: Pick<Ledger, 'append'> | undefined
  #saidEnd: number | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  readonly onIssued = (issued: IssuedCertificate): void => {
    this.#waiting.push(issued)
    if (this.#ledger !== undefined) void this.#write(this.#ledger)
  }

  readonly onAging = (end: number): void => {
    if (this.#saidEnd === end) return
    this.#saidEnd = end
    const until = new Date(end).toISOString()
    this.#log.warn('the local authority ends soon: bring back the key of its root', { until })
  }

  /** Rejects when the record cannot be written. */
  async recordIn(ledger: Pick<Ledger, 'append'>): Promise<void> {
    for (const issued of this.#waiting.splice(0)) await recordIssued(ledger, issued)
    this.#ledger = ledger
  }

  async #write(ledger: Pick<Ledger, 'append'>): Promise<void> {
    for (const issued of this.#waiting.splice(0)) {
      await recordIssued(ledger, issued).catch((error: unknown) =>
        this.#log.error('a certificate of ours could not be recorded', { error, serial: issued.serial }),
      )
    }
  }
}

/** Puts on record what nobody asked for. Rejects when that cannot be written. */
export const recordIssued = (
  ledger: Pick<Ledger, 'append'>,
  { serial, use, names, notAfter, issuer }: IssuedCertificate,
) =>
  ledger.append(GATEWAY_TENANT, {
    ...{ kind: 'change', what: 'certificate.issued', by: 'gateway' },
    detail: { id: serial, issuer, use, names: [...names], until: new Date(notAfter).toISOString() },
  })
