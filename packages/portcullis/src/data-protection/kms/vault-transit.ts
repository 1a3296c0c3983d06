/** The transit engine of HashiCorp Vault (and OpenBao) by REST: encrypt and decrypt with associated data. */
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { SealBroken } from '../envelope.ts'
import { type KeyPlace, placeBinding } from '../key-encryption.ts'
import { type Ask, bytesOf, objectOf, refused, type Reply, textOf } from './ask.ts'
import type { KeyService } from './service-keys.ts'
import { askWith, endOf, type TokenSource, tokenSource } from './token.ts'

/** How the gateway is known there. */
export type VaultLogin =
  | { readonly kind: 'token'; readonly token: () => Secret }
  | { readonly kind: 'app-role'; readonly mount: string; readonly role: string; readonly secret: () => Secret }
  | { readonly kind: 'kubernetes'; readonly mount: string; readonly role: string; readonly token: () => Secret }

export interface VaultTokenParts {
  /** Origin. */
  readonly address: string
  readonly namespace?: string | undefined
  readonly login: VaultLogin
  readonly ask: Ask
  readonly clock: Clock
}

export interface VaultTransitOptions extends Pick<VaultTokenParts, 'address' | 'namespace' | 'ask'> {
  /** Path of the engine. */
  readonly mount: string
  /** Name of a key of a type that takes associated data, such as `aes256-gcm96`. */
  readonly key: string
  readonly tokens: TokenSource
}

const SERVICE = 'vault-transit'
/** `vault:v3:…`: the version that encrypted. */
const CIPHERTEXT = /^vault:v([1-9]\d{0,8}):[A-Za-z0-9+/]+={0,2}$/
/** Of a token that was given to us: asked for again when Vault does not take it any more. */
const GIVEN_SECONDS = 600

/**
 * What does not open is a mistake of the user, with status 400; versions of Vault from 1.5 on, and OpenBao's elder ones, say it with 500
 * (hashicorp/vault issue 10842). That answer will be no other one, however often it is asked for.
 */
const isBroken = ({ status, text }: Reply): false | undefined =>
  status === 500 && text.includes('message authentication failed') ? false : undefined

export function vaultTransit({ address, namespace, mount, key, tokens, ask }: VaultTransitOptions): KeyService {
  const prefix = `${mount}/${key}:v`
  const call = async (action: 'encrypt' | 'decrypt', input: object) => {
    const question = (token: Secret) => ({
      url: `${address}/v1/${mount}/${action}/${key}`,
      method: 'POST' as const,
      headers: { ...headersOf(namespace), 'x-vault-token': token.reveal() },
      body: JSON.stringify(input),
    })
    // Vault says 403 of a token that has ended.
    const reply = await askWith(ask, tokens, question, ({ status }) => status === 403, isBroken)
    if (reply.status === 200) return dataOf(reply, 'data')
    if (action === 'decrypt' && (reply.status === 400 || isBroken(reply) === false)) throw new SealBroken()
    throw refused(SERVICE, `answered ${reply.status}`)
  }
  return {
    name: SERVICE,
    owns: (id) => id.startsWith(prefix),
    async encrypt(plain, place) {
      const { ciphertext } = await call('encrypt', { plaintext: plain.toString('base64'), ...bound(place) })
      const text = textOf(SERVICE, ciphertext, 'a ciphertext')
      const [, version] = CIPHERTEXT.exec(text) ?? []
      if (version === undefined) throw refused(SERVICE, 'answered something that is no ciphertext of its own')
      return { id: prefix + version, wrapped: text }
    },
    async decrypt(id, wrapped, place) {
      if (prefix + (CIPHERTEXT.exec(wrapped)?.[1] ?? '') !== id) throw new SealBroken()
      const { plaintext } = await call('decrypt', { ciphertext: wrapped, ...bound(place) })
      return bytesOf(SERVICE, plaintext)
    },
  }
}

export function vaultTokens({ address, namespace, login, ask, clock }: VaultTokenParts): TokenSource {
  const signIn = async (mount: string, input: object) => {
    const url = `${address}/v1/auth/${mount}/login`
    const question = () => ({
      url,
      method: 'POST' as const,
      headers: headersOf(namespace),
      body: JSON.stringify(input),
    })
    const reply = await ask(question)
    if (reply.status !== 200) throw refused(SERVICE, `let nobody in (${reply.status})`)
    const { client_token: token, lease_duration: seconds } = dataOf(reply, 'auth')
    return { value: new Secret(textOf(SERVICE, token, 'a token')), endsAt: endOf(clock, seconds) }
  }
  return tokenSource(async () => {
    if (login.kind === 'token') return { value: login.token(), endsAt: endOf(clock, GIVEN_SECONDS) }
    if (login.kind === 'app-role')
      return signIn(login.mount, { role_id: login.role, secret_id: login.secret().reveal() })
    return signIn(login.mount, { role: login.role, jwt: login.token().reveal() })
  }, clock)
}

const bound = (place: KeyPlace) => ({ associated_data: placeBinding(place).toString('base64') })

const headersOf = (namespace: string | undefined) => ({
  'content-type': 'application/json',
  'x-vault-request': 'true',
  ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
})

function dataOf(reply: Reply, member: 'data' | 'auth'): Readonly<Record<string, unknown>> {
  const value = objectOf(SERVICE, reply)[member]
  if (typeof value !== 'object' || value === null) throw refused(SERVICE, `answered without ${member}`)
  return value as Readonly<Record<string, unknown>>
}
