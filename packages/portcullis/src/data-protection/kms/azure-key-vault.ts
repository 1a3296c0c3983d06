/**
 * Azure Key Vault by REST: wrapKey and unwrapKey with RSA-OAEP-256.
 *
 * RSA binds nothing, so the service wraps a key of one use, which seals the tenant key together with its place.
 */
import type { Clock } from '../../core/clock.ts'
import { Secret } from '../../core/secret.ts'
import { KEY_BYTES, openBytes, randomKey, sealBytes, SealBroken } from '../envelope.ts'
import { placeBinding } from '../key-encryption.ts'
import { type Ask, bytesOf, objectOf, type Question, refused, textOf } from './ask.ts'
import type { KeyService } from './service-keys.ts'
import { askWith, type TokenSource, tokenOf, tokenSource } from './token.ts'

export interface AzureOptions {
  /** Origin of the vault, such as `https://NAME.vault.azure.net`. */
  readonly vault: string
  /** Name of an RSA key. */
  readonly key: string
  readonly tokens: TokenSource
  readonly ask: Ask
}

export interface AzureTokenParts {
  /** Absent: the managed identity of the machine. */
  readonly application?: { readonly directory: string; readonly client: string; readonly secret: Secret } | undefined
  /** Client id of one of several managed identities. */
  readonly identity?: string | undefined
  /** Origin of Microsoft Entra. */
  readonly authority?: string | undefined
  /** Origin of the metadata service. */
  readonly metadata?: string | undefined
  /** What the token is for. */
  readonly resource?: string | undefined
  readonly ask: Ask
  readonly clock: Clock
}

const SERVICE = 'azure-key-vault'
const API = 'api-version=7.4'
const ALGORITHM = 'RSA-OAEP-256'
const RESOURCE = 'https://vault.azure.net'
const AUTHORITY = 'https://login.microsoftonline.com'
const METADATA = 'http://169.254.169.254'

export function azureKeyVault({ vault, key, tokens, ask }: AzureOptions): KeyService {
  const mine = `${vault}/keys/${key}/`
  const call = async (method: Question['method'], path: string, input?: object) => {
    const reply = await askWith(ask, tokens, (token) => ({
      ...{ url: `${path}?${API}`, method },
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token.reveal()}` },
      ...(input && { body: JSON.stringify(input) }),
    }))
    if (reply.status === 200) return objectOf(SERVICE, reply)
    if (path.endsWith('/unwrapkey') && reply.status === 400) throw new SealBroken()
    throw refused(SERVICE, `answered ${reply.status}`)
  }
  const newest = async (): Promise<string> => {
    const { key: found, attributes } = await call('GET', `${vault}/keys/${key}`)
    requireEnabled(attributes)
    return requireMine((found as { readonly kid?: unknown } | undefined)?.kid)
  }
  const requireMine = (kid: unknown): string => {
    const id = textOf(SERVICE, kid, 'the version of the key')
    if (!id.startsWith(mine) || !/^[0-9a-f]{32}$/.test(id.slice(mine.length)))
      throw refused(SERVICE, 'answered for another key than it was asked for')
    return id
  }
  return {
    name: SERVICE,
    owns: (id) => id.startsWith(mine),
    async encrypt(plain, place) {
      const id = await newest()
      const once = randomKey()
      const value = once.reveal().toString('base64url')
      const answer = await call('POST', `${id}/wrapkey`, { alg: ALGORITHM, value })
      if (requireMine(answer['kid']) !== id) throw refused(SERVICE, 'has wrapped by another version')
      const wrapped = bytesOf(SERVICE, answer['value'], 'base64url').toString('base64url')
      return { id, wrapped: `${wrapped}.${sealBytes(plain, placeBinding(place), once).toString('base64url')}` }
    },
    async decrypt(id, wrapped, place) {
      const [value = '', sealed = ''] = wrapped.split('.')
      const answer = await call('POST', `${requireMine(id)}/unwrapkey`, { alg: ALGORITHM, value })
      const once = bytesOf(SERVICE, answer['value'], 'base64url')
      if (once.length !== KEY_BYTES) throw refused(SERVICE, `gave back ${once.length} bytes for a key of ${KEY_BYTES}`)
      return openBytes(Buffer.from(sealed, 'base64url'), placeBinding(place), new Secret(once))
    },
  }
}

/** The service wraps by a version that is disabled, and does not unwrap by it. */
function requireEnabled(attributes: unknown): void {
  if ((attributes as { readonly enabled?: unknown } | undefined)?.enabled !== true)
    throw refused(SERVICE, 'has disabled the newest version of the key')
}

export function azureTokens(parts: AzureTokenParts): TokenSource {
  const { application, identity, ask, clock, resource = RESOURCE } = parts
  const { authority = AUTHORITY, metadata = METADATA } = parts
  const ofMachine = (): Question => {
    const chosen: Record<string, string> = identity === undefined ? {} : { client_id: identity }
    const query = new URLSearchParams({ 'api-version': '2018-02-01', resource, ...chosen })
    return {
      url: `${metadata}/metadata/identity/oauth2/token?${String(query)}`,
      method: 'GET',
      headers: { metadata: 'true' },
    }
  }
  const ofApplication = ({ directory, client, secret }: NonNullable<typeof application>): Question => ({
    url: `${authority}/${directory}/oauth2/v2.0/token`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: String(
      new URLSearchParams({
        ...{ grant_type: 'client_credentials', client_id: client, client_secret: secret.reveal() },
        scope: `${resource}/.default`,
      }),
    ),
  })
  const question = () => (application === undefined ? ofMachine() : ofApplication(application))
  return tokenSource(async () => tokenOf(SERVICE, await ask(question), clock), clock)
}
