/** Decides who we are at one authorization server. What one issuer knows of us is never shown to another. */
import type { ClientAuth, Configuration, CustomFetch, ServerMetadata } from 'openid-client'
import { Fault } from '../../core/fault.ts'
import { Secret } from '../../core/secret.ts'
import { isRecord } from '../../mcp/message.ts'
import type { TokenVault } from '../access/token-vault.ts'
import type { GuardedFetch } from '../../core/guarded-fetch.ts'
import type { OAuthSettings } from './settings.ts'

/** The protocol library, loaded when it is first needed. */
export const loadLibrary = () => import('openid-client')

type Library = Awaited<ReturnType<typeof loadLibrary>>

/** The guard in the form that the library takes. Token requests are forms; nothing else is ever sent by it. */
export function customFetch(fetch: GuardedFetch): CustomFetch {
  return (url, { method, headers, body }) => {
    const form = typeof body === 'string' || body instanceof URLSearchParams ? { body: body.toString() } : {}
    return fetch(url, { method, headers: { ...headers }, ...form })
  }
}

export interface ClientParts {
  readonly settings: OAuthSettings
  readonly vault: TokenVault
  readonly fetch: GuardedFetch
}

/** Vault rows that belong to the gateway and no tenant. */
export const GATEWAY_TENANT = '@gateway'

/** Ourselves as a client of this server. Rejects with `upstream.unavailable` when we cannot be one. */
export async function clientOf(parts: ClientParts, server: ServerMetadata): Promise<Configuration> {
  const { settings, fetch } = parts
  const library = await loadLibrary()
  const { id, secret } = await identityOf(parts, server)
  const authentication = secret === undefined ? library.None() : secretMethod(library, server, secret.reveal())
  const configuration = new library.Configuration(server, id, {}, authentication)
  configuration[library.customFetch] = customFetch(fetch)
  // The guard decides where plain http may lead to; the library only knows whether it may at all.
  if (settings.plaintext) library.allowInsecureRequests(configuration)
  return configuration
}

interface Identity {
  readonly id: string
  readonly secret?: Secret
}

async function identityOf(parts: ClientParts, server: ServerMetadata): Promise<Identity> {
  const { client } = parts.settings
  switch (client.kind) {
    case 'registered':
      if (client.issuer !== server.issuer) throw cannot('our client id is for another issuer', server)
      return client
    case 'document':
      if (server['client_id_metadata_document_supported'] !== true) throw cannot('it reads no client documents', server)
      return { id: client.url }
    case 'dynamic':
      return (await registered(parts, server)) ?? register(parts, server)
  }
}

const rowOf = ({ settings }: ClientParts, { issuer }: ServerMetadata) =>
  ({ tenant: GATEWAY_TENANT, upstream: settings.upstream, principal: issuer, kind: 'client' }) as const

async function registered(parts: ClientParts, server: ServerMetadata): Promise<Identity | undefined> {
  const deposit = await parts.vault.get(rowOf(parts, server))
  if (deposit === undefined) return undefined
  const known: unknown = JSON.parse(deposit.value.reveal())
  // A redirect URI that has changed since would be refused by the server.
  if (!isRecord(known) || typeof known['id'] !== 'string' || known['redirectUri'] !== parts.settings.redirectUri) {
    return undefined
  }
  return { id: known['id'], ...(typeof known['secret'] === 'string' && { secret: new Secret(known['secret']) }) }
}

async function register(parts: ClientParts, server: ServerMetadata): Promise<Identity> {
  const { settings, fetch, vault } = parts
  const endpoint = server.registration_endpoint
  if (endpoint === undefined) throw cannot('it registers no clients', server)
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(clientMetadata(settings, server)),
  })
  const answer: unknown = response.status === 201 || response.status === 200 ? await response.json() : undefined
  if (!isRecord(answer) || typeof answer['client_id'] !== 'string') throw cannot('it refused to register us', server)
  const { client_id: id, client_secret: secret } = answer
  const kept = { id, ...(typeof secret === 'string' && { secret }), redirectUri: settings.redirectUri }
  await vault.put(rowOf(parts, server), new Secret(JSON.stringify(kept)))
  return { id, ...(typeof secret === 'string' && { secret: new Secret(secret) }) }
}

/** What a client document of ours says, and what a registration asks for. People read the name when they are asked to agree. */
export function clientMetadata(
  settings: Pick<OAuthSettings, 'upstream' | 'redirectUri'>,
  server?: ServerMetadata,
): object {
  const methods = server?.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const preferred = ['none', 'client_secret_basic', 'client_secret_post'].find((method) => methods.includes(method))
  return {
    client_name: `Portcullis (${settings.upstream})`,
    redirect_uris: [settings.redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    application_type: 'web',
    token_endpoint_auth_method: server === undefined ? 'none' : (preferred ?? 'client_secret_basic'),
  }
}

function secretMethod(library: Library, server: ServerMetadata, secret: string) {
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const asPost = !methods.includes('client_secret_basic') && methods.includes('client_secret_post')
  return asPost ? library.ClientSecretPost(secret) : secretBasic(secret)
}

/**
 * `client_secret_basic` (RFC 6749 §2.3.1) as forms encode it: what needs no escape is left as it is, because many servers
 * forget to decode.
 */
export function secretBasic(secret: string): ClientAuth {
  const encoded = (text: string): string => new URLSearchParams({ v: text }).toString().slice(2)
  return (_server, { client_id: id }, _body, headers) => {
    headers.set('authorization', `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`)
  }
}

const cannot = (reason: string, { issuer }: ServerMetadata): Fault =>
  new Fault('upstream.unavailable', { reason: `authorization server: ${reason}`, issuer })
