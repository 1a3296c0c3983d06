import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT, type CryptoKey } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function signingKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** A real authorization server on loopback, as far as a resource server sees one: metadata and keys. */
export class LoopbackIssuer {
  keys: readonly JWK[] = []
  /** Overrides what a path answers. */
  answers: Record<string, RequestListener> = {}
  /** What is added to, or replaced in, the metadata. */
  metadata: Readonly<Record<string, unknown>> = {}
  /** What is known of an opaque token (RFC 7662). */
  introspect: (token: string) => Readonly<Record<string, unknown>> = () => ({ active: false })
  readonly introspections: { readonly form: URLSearchParams; readonly authorization: string | undefined }[] = []
  readonly requests: string[] = []
  readonly #server: Server
  readonly #scheme: string

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.#scheme = scheme
  }

  static async start(
    t: { after(end: () => unknown): void },
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<LoopbackIssuer> {
    const listen: RequestListener = (request, response) => issuer.#answer(request, response)
    const server = tls === undefined ? createServer(listen) : createTlsServer(tls, listen)
    const issuer = new LoopbackIssuer(server, tls === undefined ? 'http' : 'https')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => issuer.stop())
    return issuer
  }

  get issuer(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => this.#server.close(() => resolve()))
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.requests.filter((asked) => asked === path).length
  }

  token(
    key: SigningKey,
    claims: Readonly<Record<string, unknown>>,
    header: Record<string, unknown> = {},
  ): Promise<string> {
    const jwt = new SignJWT({ iss: this.issuer, ...claims })
    return jwt.setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header }).sign(key.privateKey)
  }

  #answer(...[request, response]: Parameters<RequestListener>): void {
    const path = request.url ?? ''
    this.requests.push(path)
    const custom = this.answers[path]
    if (custom !== undefined) {
      custom(request, response)
      return
    }
    if (path === '/introspect') {
      this.#introspect(request, response)
      return
    }
    const { issuer } = this
    const introspection = `${issuer}/introspect`
    const documents: Record<string, unknown> = {
      '/.well-known/openid-configuration': {
        ...{ issuer, jwks_uri: `${issuer}/jwks`, introspection_endpoint: introspection },
        ...this.metadata,
      },
      '/jwks': { keys: this.keys },
    }
    const document = documents[path]
    if (document === undefined) return void response.writeHead(404).end('{}')
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  }

  #introspect(...[request, response]: Parameters<RequestListener>): void {
    let text = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    request.on('end', () => {
      const form = new URLSearchParams(text)
      this.introspections.push({ form, authorization: request.headers.authorization })
      const answer = JSON.stringify(this.introspect(form.get('token') ?? ''))
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
    })
  }
}
