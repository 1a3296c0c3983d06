/** Whether a certificate is for a host (RFC 9525 §6): by its alternative names, never by its common name. */
import { isIP } from 'node:net'
import { isSharedSuffix } from '../../core/shared-suffix.ts'
import type { Certificate } from './certificate.ts'
import type { Profile } from './profile.ts'
import { CertificateRefused } from './refused.ts'

/**
 * Throws CertificateRefused `wrong_name`. `host` is a name without a dot at its end, or an address without brackets; a zone says by
 * which interface it is reached, and is no part of it (RFC 4007 §11.2).
 */
export function assertHost({ names }: Certificate, host: string, profile: Profile): void {
  const octets = isIP(host) === 0 ? undefined : octetsOf(host.split('%', 1)[0] as string)
  const fits = names.some((name) => {
    if (octets !== undefined) return name.kind === 'ip' && name.octets.equals(octets)
    return name.kind === 'dns' && matchesName(name.text.toLowerCase(), host.toLowerCase(), profile)
  })
  if (!fits) throw new CertificateRefused('wrong_name', { host })
}

function matchesName(presented: string, host: string, profile: Profile): boolean {
  if (!presented.startsWith('*.')) return presented === host
  const dot = host.indexOf('.')
  if (dot <= 0 || host.slice(dot) !== presented.slice(1)) return false
  // Nobody owns all names below a shared suffix (CA/B Forum BR 3.2.2.6).
  return profile !== 'webpki' || !isSharedSuffix(presented.slice(2))
}

/** The octets of an address of version 4 or 6, as certificates hold them. */
export function octetsOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // The URL parser knows every way to write one; what it gives has no dots any more.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const after = groups(tail ?? '')
  const filling = Array<string>(8 - groups(head).length - after.length).fill('0')
  const all = tail === undefined ? groups(head) : [...groups(head), ...filling, ...after]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

/** The one way to write an address (RFC 5952); empty for what is none. */
export function addressOf(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) return ''
  const groups = octets.toString('hex').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
