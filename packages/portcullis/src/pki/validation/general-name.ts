/** Reads the names of certificates and of name constraints (GeneralName, RFC 5280 §4.2.1.6), each with its own rules of writing. */
import { type DistinguishedName, readName } from './distinguished-name.ts'
import { type Element, malformed, readOne, readRow, TAG } from './der.ts'
import { CertificateRefused } from './refused.ts'

export type GeneralName =
  | { readonly kind: 'email' | 'dns' | 'uri'; readonly text: string }
  | { readonly kind: 'directory'; readonly name: DistinguishedName }
  /** 4 or 16 octets; in a constraint the mask follows. */
  | { readonly kind: 'ip'; readonly octets: Buffer }
  /** Known to exist, understood by nobody here. */
  | { readonly kind: 'other' | 'x400' | 'edi' | 'registered' }

export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

const KINDS = ['other', 'email', 'dns', 'x400', 'directory', 'edi', 'uri', 'ip', 'registered'] as const
/** Enough for the largest honest certificate, few enough to be held against any constraints. */
const MAX_NAMES = 2_000

/** Names of a certificate. Throws CertificateRefused for one that is written wrongly, and for an empty list. */
export function readNames(value: Buffer, lax: boolean): readonly GeneralName[] {
  const names = readGeneralNames(readOne(value, TAG.sequence))
  if (names.length === 0) throw new CertificateRefused('bad_name', { what: 'a list of names without a name' })
  for (const name of names) assertWritten(name, lax)
  return names
}

/** Names as they stand, for places where no rule of writing is known. */
export function readGeneralNames({ content }: Pick<Element, 'content'>): readonly GeneralName[] {
  const row = readRow(content)
  if (row.length > MAX_NAMES) throw new CertificateRefused('too_complex', { names: row.length })
  return row.map(readGeneralName)
}

/** Throws CertificateRefused for constraints of the wrong form, empty ones and such as nobody can apply. */
export function readConstraints(value: Buffer): NameConstraints {
  const lists = { permitted: [] as readonly GeneralName[], excluded: [] as readonly GeneralName[] }
  const row = readRow(readOne(value, TAG.sequence).content)
  if (row.length === 0) throw malformed('name constraints without a constraint')
  for (const { tag, content } of row) {
    const list = tag === 0xa0 ? 'permitted' : tag === 0xa1 ? 'excluded' : undefined
    if (list === undefined || content.length === 0) throw malformed('name constraints of another form')
    const trees = readRow(content)
    if (trees.length > MAX_NAMES) throw new CertificateRefused('too_complex', { constraints: trees.length })
    lists[list] = trees.map(readSubtree)
  }
  return lists
}

/** `minimum` is 0 and `maximum` absent (RFC 5280 §4.2.1.10). */
function readSubtree({ tag, content }: Element): GeneralName {
  const [base, ...distances] = readRow(content)
  if (tag !== TAG.sequence || base === undefined || distances.length > 0) throw malformed('a subtree of another form')
  const name = readGeneralName(base)
  assertConstraint(name)
  return name
}

function readGeneralName({ tag, content }: Element): GeneralName {
  const kind = (tag & 0xc0) === 0x80 ? KINDS[tag & 0x1f] : undefined
  switch (kind) {
    case undefined:
      throw malformed('a name of a kind that there is not')
    case 'email':
    case 'dns':
    case 'uri':
      // IA5String: anything else would be read differently by the next reader.
      if (content.some((octet) => octet >= 0x80)) throw bad('a name that is not ASCII')
      return { kind, text: content.toString('latin1') }
    case 'directory':
      return { kind, name: readName(content) }
    case 'ip':
      return { kind, octets: content }
    case 'other':
    case 'x400':
    case 'edi':
    case 'registered':
      return { kind }
  }
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i
const LAX_LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

/** A host name: no empty label, no end like an address. `lax` allows underscores, which many private names have. */
export function isHostName(text: string, lax: boolean): boolean {
  const labels = text.split('.')
  if (text.length > 253 || /^\d+$/.test(labels.at(-1) as string)) return false
  return labels.every((label) => (lax ? LAX_LABEL : LABEL).test(label))
}

function assertWritten(name: GeneralName, lax: boolean): void {
  const isGood =
    (name.kind === 'dns' && isPresented(name.text, lax)) ||
    (name.kind === 'ip' && (name.octets.length === 4 || name.octets.length === 16)) ||
    (name.kind === 'email' && isMailbox(name.text)) ||
    (name.kind === 'uri' && /^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(name.text)) ||
    !['dns', 'ip', 'email', 'uri'].includes(name.kind)
  if (!isGood) throw bad(`a name of kind ${name.kind}`)
}

/** A wildcard is the whole first label, before two more (RFC 9525 §6.3, CA/B Forum BR 1.6.1 "Wildcard Domain Name"). */
function isPresented(text: string, lax: boolean): boolean {
  if (!text.startsWith('*.')) return isHostName(text, lax)
  const rest = text.slice(2)
  return rest.includes('.') && isHostName(rest, lax)
}

function isMailbox(text: string): boolean {
  const at = text.indexOf('@')
  return at > 0 && at === text.lastIndexOf('@') && !/\s/.test(text) && isHostName(text.slice(at + 1), true)
}

function assertConstraint(name: GeneralName): void {
  const isGood =
    (name.kind === 'dns' && (name.text === '' || isHostName(name.text, true))) ||
    (name.kind === 'ip' && isNetwork(name.octets)) ||
    (name.kind === 'email' && (name.text.includes('@') ? isMailbox(name.text) : isDomain(name.text))) ||
    (name.kind === 'uri' && isDomain(name.text)) ||
    !['dns', 'ip', 'email', 'uri'].includes(name.kind)
  if (!isGood) throw malformed(`a constraint of kind ${name.kind}`)
}

/** A host, or with a leading period every name below one. */
const isDomain = (text: string): boolean => isHostName(text.startsWith('.') ? text.slice(1) : text, true)

/** Address and mask of the same length, the mask without gaps (RFC 4632). */
function isNetwork(octets: Buffer): boolean {
  if (octets.length !== 8 && octets.length !== 32) return false
  const mask = [...octets.subarray(octets.length / 2)].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(mask)
}

const bad = (what: string): CertificateRefused => new CertificateRefused('bad_name', { what })
