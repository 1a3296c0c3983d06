/** Where the local authority keeps what: one folder, of which only the root's key may be taken away. */
import { join } from 'node:path'

export interface AuthorityPlaces {
  /** What clients trust: the root, and beside it a root of an earlier set-up; PEM. */
  readonly bundle: string
  /** Key of a root that signs the listener's certificate itself, as earlier set-ups have it. */
  readonly formerKey: string
  /** The listener's certificate with its chain and its key. */
  readonly server: string
  /** All that follows is in here, and it is made whole or not at all. */
  readonly issuer: string
  readonly root: string
  /** Needed for another intermediate, and for the end of one; not in between. */
  readonly rootKey: string
  /** The list of intermediates that are revoked, DER. */
  readonly rootList: string
  readonly ledger: string
}

/** `folder` is absolute. */
export function authorityPlaces(folder: string): AuthorityPlaces {
  const issuer = join(folder, 'issuer')
  return {
    bundle: join(folder, 'ca.crt'),
    formerKey: join(folder, 'ca.key'),
    server: join(folder, 'server.pem'),
    issuer,
    root: join(issuer, 'root.crt'),
    rootKey: join(issuer, 'root.key'),
    rootList: join(issuer, 'root.crl'),
    ledger: join(issuer, 'ledger.jsonl'),
  }
}

/** The files of one intermediate, in a folder of its own. */
export function intermediatePlaces(folder: string): { readonly certificate: string; readonly key: string } {
  return { certificate: join(folder, 'certificate.crt'), key: join(folder, 'ca.key') }
}
