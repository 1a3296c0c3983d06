import type { Secret } from '../core/secret.ts'

/** Headers that prove the gateway to an upstream, names as they are sent. The caller's own credential never goes on. */
export type UpstreamCredentials = Readonly<Record<string, Secret>>

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const OURS =
  /^(?:mcp-.*|host|content-type|content-length|content-encoding|transfer-encoding|connection|accept|upgrade|te|trailer|x-http-method-override|x-http-method|x-method-override)$/i

/**
 * The credentials as name, value, name, value …. Throws a TypeError for a name that is not a header's, that the protocol
 * itself sets, or by which a server may take the request for another one, without repeating any value.
 */
export function credentialHeaders(credentials: UpstreamCredentials): string[] {
  return Object.entries(credentials).flatMap(([name, secret]) => {
    if (!TOKEN.test(name) || OURS.test(name)) throw new TypeError(`the header ${name} cannot carry a credential`)
    const value = secret.reveal()
    if (!/^[\x20-\x7e]+$/.test(value)) throw new TypeError(`the credential in ${name} is not plain ASCII`)
    return [name, value]
  })
}
