/** Decides for which site passkeys are made and taken: the host of the public URL, on pages of that very origin. */
import { isIP } from 'node:net'

export interface PasskeySite {
  /** Relying party id (WebAuthn §4): the host name. */
  readonly id: string
  readonly origin: string
}

/** Undefined where browsers have no passkeys: at an address instead of a name, and without TLS but on this machine. */
export function passkeySite(publicUrl: string): PasskeySite | undefined {
  const { protocol, hostname: id, origin } = new URL(publicUrl)
  if (isIP(id.replace(/^\[(.*)\]$/, '$1')) !== 0) return undefined
  return protocol === 'https:' || id === 'localhost' ? { id, origin } : undefined
}
