/** Decides how a browser is known in which nobody has signed in: by a name in a cookie that no other host can have set. */
import { randomBytes } from 'node:crypto'
import type { Exchange } from '../../core/exchange.ts'

const SECRET = /^[\w-]{43}$/

export class BrowserName {
  readonly #cookie: string
  readonly #attributes: string

  /** @param issuer decides whether the cookie is bound to TLS and to this very host */
  constructor(name: string, issuer: string) {
    const secure = issuer.startsWith('https:')
    // `__Host-` keeps other hosts and plain http from setting it (RFC 6265bis §4.1.3.2).
    this.#cookie = `${secure ? '__Host-' : ''}${name}`
    // Lax, because people come back from their provider.
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  }

  /** What the browser was given; undefined when that is nothing, or more than one thing. */
  of({ head }: Exchange): string | undefined {
    const values = String(head.headers['cookie'] ?? '')
      .split(/; */)
      .filter((pair) => pair.startsWith(`${this.#cookie}=`))
      .map((pair) => pair.slice(this.#cookie.length + 1))
    const [secret] = values
    return values.length === 1 && secret !== undefined && SECRET.test(secret) ? secret : undefined
  }

  /** A new name, and the cookie that gives it. It is not kept. */
  give(): { readonly secret: string; readonly cookie: string } {
    const secret = randomBytes(32).toString('base64url')
    return { secret, cookie: `${this.#cookie}=${secret}${this.#attributes}; Max-Age=3600` }
  }
}
