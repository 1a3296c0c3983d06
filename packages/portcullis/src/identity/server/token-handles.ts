/** Decides how a signed access token can be revoked and introspected: it has a twin in the store, under a name of ours. */
import { createHmac } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Verified } from '../verified.ts'
import type { StoredModel } from './stored-model.ts'

export interface IssuedToken {
  readonly jti: string
  readonly kind: 'AccessToken' | 'ClientCredentials'
  readonly exp: number
  readonly iat: number
  readonly clientId: string
  readonly aud: string
  readonly scope?: string
  readonly accountId?: string
  readonly grantId?: string
  readonly jkt?: string
  readonly extra: object
}

/** The library refuses signed tokens at both endpoints, so it is given the twin's name. Nobody else can make that name. */
export class TokenHandles {
  readonly #key: string

  /** @param key secret of this server */
  constructor(key: string) {
    this.#key = key
  }

  /** Keeps the twin. It opens nothing: there is no userinfo endpoint, and the gateway takes signed tokens only. */
  async keep(token: IssuedToken, models: Readonly<Record<IssuedToken['kind'], StoredModel>>): Promise<void> {
    const { extra, ...facts } = token
    const handle = this.#handle(token.jti)
    const payload = { ...facts, jti: handle, extra: { ...extra, jti: token.jti } } as AdapterPayload
    await models[token.kind].upsert(handle, payload, token.exp - token.iat)
  }

  /** The form with `token` replaced, if it is a token of ours. */
  async translate(form: URLSearchParams, verify: (token: string) => Promise<Verified>): Promise<URLSearchParams> {
    const [token, ...more] = form.getAll('token')
    if (token === undefined || more.length > 0 || !token.includes('.')) return form
    const verified = await verify(token).catch(() => undefined)
    const id = verified?.facts.principal.credential.id
    const translated = new URLSearchParams(form)
    // A stranger's token, or one that has expired: to be told that it is unknown, as any other text.
    translated.set('token', id === undefined ? 'unknown' : this.#handle(id))
    return translated
  }

  #handle(jti: string): string {
    return `at_${createHmac('sha256', this.#key).update(`access token ${jti}`).digest('base64url')}`
  }
}
