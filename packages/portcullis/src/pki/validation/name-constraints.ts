/** Whether the names of a certificate are among those that an authority above it may vouch for (RFC 5280 §4.2.1.10, §6.1.4). */
import type { Certificate } from './certificate.ts'
import { isWithin } from './distinguished-name.ts'
import type { GeneralName, NameConstraints } from './general-name.ts'
import { CertificateRefused } from './refused.ts'

/** Comparisons that one path may cost: quadratic work is how constraints are used to hold up a verifier. */
export interface Budget {
  comparisons: number
}

export const MAX_COMPARISONS = 200_000

const UNKNOWN = new Set(['other', 'x400', 'edi', 'registered'])

/**
 * Throws CertificateRefused `name_constraints`, or `too_complex` when the budget is used up. A name of a kind that is
 * constrained and that nobody here understands is refused.
 */
export function assertConstrained(certificate: Certificate, constraints: NameConstraints, budget: Budget): void {
  const { permitted, excluded } = constraints
  const names = allNames(certificate)
  budget.comparisons += names.length * (permitted.length + excluded.length)
  if (budget.comparisons > MAX_COMPARISONS) throw new CertificateRefused('too_complex', { what: 'name constraints' })
  for (const name of names) {
    const allowed = permitted.filter((base) => base.kind === name.kind)
    const forbidden = excluded.filter((base) => base.kind === name.kind)
    const isUnknown = (UNKNOWN.has(name.kind) || isVague(name)) && allowed.length + forbidden.length > 0
    const isOutside = allowed.length > 0 && !allowed.some((base) => covers(base, name))
    if (isUnknown || isOutside || forbidden.some((base) => covers(base, name) || mayCover(base, name)))
      throw new CertificateRefused('name_constraints', { kind: name.kind })
  }
}

/** Of which nobody can say where it lies; constraints of its kind refuse it (RFC 5280 §4.2.1.10). */
const isVague = (name: GeneralName): boolean =>
  (name.kind === 'uri' && hostOf(name.text) === undefined) ||
  (name.kind === 'email' && !/^[^@\s\0]+@[a-z0-9._-]+$/i.test(name.text))

/** The subject counts as a directory name, and its mail addresses as such. */
function allNames({ names, subject }: Certificate): readonly GeneralName[] {
  const mail = subject.emailAddresses.map((text) => ({ kind: 'email', text }) as const)
  const own = subject.parts.length === 0 ? [] : [{ kind: 'directory', name: subject } as const]
  return [...own, ...mail, ...names]
}

function covers(base: GeneralName, name: GeneralName): boolean {
  if (base.kind === 'dns' && name.kind === 'dns') return coversHost(base.text, name.text)
  if (base.kind === 'ip' && name.kind === 'ip') return coversAddress(base.octets, name.octets)
  if (base.kind === 'directory' && name.kind === 'directory') return isWithin(name.name, base.name)
  if (base.kind === 'email' && name.kind === 'email') return coversMailbox(base.text, name.text)
  if (base.kind === 'uri' && name.kind === 'uri') return coversDomain(base.text, hostOf(name.text))
  return false
}

/** The name itself and all below it. */
function coversHost(base: string, name: string): boolean {
  const [wide, narrow] = [base.toLowerCase(), name.toLowerCase()]
  return wide === '' || narrow === wide || narrow.endsWith(`.${wide}`)
}

/** A wildcard stands for a host that is excluded when one of its names would be. */
function mayCover(base: GeneralName, name: GeneralName): boolean {
  if (base.kind !== 'dns' || name.kind !== 'dns' || !name.text.startsWith('*.')) return false
  const [wide, suffix] = [base.text.toLowerCase(), name.text.slice(1).toLowerCase()]
  return wide.endsWith(suffix) && !wide.slice(0, -suffix.length).includes('.')
}

function coversAddress(base: Buffer, address: Buffer): boolean {
  const { length } = address
  if (base.length !== length * 2) return false
  return address.every((octet, at) => {
    const mask = base[length + at] ?? 0
    return (octet & mask) === ((base[at] ?? 0) & mask)
  })
}

/** One mailbox, whose local part has no wildcards and does have case; or all of a host; or, after a period, of the hosts below. */
function coversMailbox(base: string, mailbox: string): boolean {
  const at = mailbox.lastIndexOf('@')
  const host = mailbox.slice(at + 1)
  const split = base.lastIndexOf('@')
  if (split < 0) return coversDomain(base, host)
  return base.slice(0, split) === mailbox.slice(0, at) && base.slice(split + 1).toLowerCase() === host.toLowerCase()
}

function coversDomain(base: string, host: string | undefined): boolean {
  if (host === undefined) return false
  const [wide, narrow] = [base.toLowerCase(), host.toLowerCase()]
  return wide.startsWith('.') ? narrow.length > wide.length && narrow.endsWith(wide) : narrow === wide
}

/** Undefined for a URI without a host name: constraints cannot permit it (RFC 5280 §4.2.1.10). */
function hostOf(uri: string): string | undefined {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([a-z0-9._-]+)(?::\d*)?(?:[/?#]|$)/i.exec(uri)?.[1]
  return host === undefined || /(?:^|\.)\d+$/.test(host) ? undefined : host
}
