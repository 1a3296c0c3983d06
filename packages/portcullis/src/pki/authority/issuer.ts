/** Whoever signs here, and the name by which it is known to ledger, lists and addresses. */
import { createHash, type X509Certificate } from 'node:crypto'

/** Whoever signs certificates here, with the key. */
export interface Issuer {
  /** 16 hex digits of the SHA-256 of its certificate. */
  readonly id: string
  readonly leaf: X509Certificate
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

export const issuerId = ({ raw }: X509Certificate): string =>
  createHash('sha256').update(raw).digest('hex').slice(0, 16)
