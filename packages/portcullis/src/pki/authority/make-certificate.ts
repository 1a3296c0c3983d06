/**
 * Makes the certificates of the local authority: root, intermediate, leaf. Its X.509 library takes long to load: import it only
 * when something has to be issued.
 */
import 'reflect-metadata'
import type { webcrypto } from 'node:crypto'
import {
  AuthorityInfoAccessExtension,
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { exportKey, generateKeys, importKey, serialNumber, SIGNING } from '../signing-key.ts'
import type { SubjectName } from './names.ts'

const DAY_MS = 86_400_000
/** Clocks of those who verify may be a little behind. */
const BACKDATE_MS = 300_000
/** Both in PEM; the key as PKCS #8. */
export interface Issued {
  readonly certificate: string
  readonly key: string
}

export const ROOT_DAYS = 3_650
export const INTERMEDIATE_DAYS = 365

/** Where whoever verifies asks about a certificate; http, because what is asked is signed (RFC 5280 §4.2.1.13). */
export interface Pointers {
  /** Of the list. */
  readonly list: string
  readonly ocsp?: string
  /** Of the certificate of whoever signed. */
  readonly issuer?: string
}

export interface LeafWish {
  readonly use: 'server' | 'client'
  readonly subject: string
  readonly names: readonly SubjectName[]
  readonly publicKey: webcrypto.CryptoKey | PublicKey
  /** Milliseconds since the epoch; never after the end of the issuer. */
  readonly notAfter: number
  readonly pointers?: Pointers | undefined
}

/** A root under which there is one step of intermediates (path length 1). `now` in milliseconds. */
export const makeRoot = (now: number): Promise<Issued> => selfSigned(name('Portcullis root'), 1, ROOT_DAYS, now)

/** A self-signed authority with at most `pathLength` steps of others below it (RFC 5280 §4.2.1.9). `now` in milliseconds. */
export async function selfSigned(subject: JsonName, pathLength: number, days: number, now: number): Promise<Issued> {
  const keys = await generateKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...named(),
    name: subject,
    ...{ keys, signingAlgorithm: SIGNING },
    ...validity(now, now + days * DAY_MS),
    extensions: [...authorityExtensions(pathLength), await SubjectKeyIdentifierExtension.create(keys.publicKey, false)],
  })
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) }
}

/** An authority that signs leaves only, for a year. */
export async function makeIntermediate(root: Issued, now: number, pointers?: Pointers): Promise<Issued> {
  const keys = await generateKeys()
  const issuer = new X509Certificate(root.certificate)
  const certificate = await X509CertificateGenerator.create({
    ...named(),
    subject: name('Portcullis issuing authority'),
    issuer: issuer.subjectName,
    ...{ publicKey: keys.publicKey, signingKey: await importKey(root.key), signingAlgorithm: SIGNING },
    ...validity(now, Math.min(now + INTERMEDIATE_DAYS * DAY_MS, issuer.notAfter.getTime())),
    extensions: [
      ...authorityExtensions(0),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false),
      await AuthorityKeyIdentifierExtension.create(issuer, false),
      ...pointerExtensions(pointers),
    ],
  })
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) }
}

/** PEM. For one purpose and no other. */
export async function signLeaf(signer: Issued, wish: LeafWish, now: number): Promise<string> {
  const issuer = new X509Certificate(signer.certificate)
  const { use, subject, names, publicKey, notAfter, pointers } = wish
  const purpose = use === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth
  const certificate = await X509CertificateGenerator.create({
    ...named(),
    // As parts of a name, so that nothing in the text can become another part.
    subject: [{ CN: [subject] }],
    issuer: issuer.subjectName,
    ...{ publicKey, signingKey: await importKey(signer.key), signingAlgorithm: SIGNING },
    ...validity(now, Math.min(notAfter, issuer.notAfter.getTime())),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([purpose]),
      ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension([...names])]),
      await SubjectKeyIdentifierExtension.create(publicKey, false),
      await AuthorityKeyIdentifierExtension.create(issuer, false),
      ...pointerExtensions(pointers),
    ],
  })
  return pem(certificate)
}

const named = () => ({ serialNumber: serialNumber() })

/** No two authorities have one name, so nobody takes one for the other. */
const name = (kind: string) => [{ CN: [`${kind} ${serialNumber().slice(-8)}`] }]

const validity = (now: number, notAfter: number) => ({
  notBefore: new Date(now - BACKDATE_MS),
  notAfter: new Date(notAfter),
})

const authorityExtensions = (pathLength: number): readonly Extension[] => [
  new BasicConstraintsExtension(true, pathLength, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
]

function pointerExtensions(pointers: Pointers | undefined): readonly Extension[] {
  if (pointers === undefined) return []
  const { list, ocsp, issuer } = pointers
  const lists = new CRLDistributionPointsExtension([list])
  if (ocsp === undefined && issuer === undefined) return [lists]
  const access = { ...(ocsp !== undefined && { ocsp: [ocsp] }), ...(issuer !== undefined && { caIssuers: [issuer] }) }
  return [lists, new AuthorityInfoAccessExtension(access)]
}

const pem = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`
