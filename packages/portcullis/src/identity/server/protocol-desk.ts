/** Decides what the protocol library gets to see of a request, and what is kept of its answer. */
import type { Provider } from 'oidc-provider'
import type { Answer, Exchange, RequestHead } from '../../core/exchange.ts'
import type { Verified } from '../verified.ts'
import { MetadataError, strangerMetadata } from './client-metadata.ts'
import { withoutScript } from './continue-page.ts'
import { MAX_FORM_BYTES } from './form.ts'
import { type NodeRequest, nodePair } from './node-bridge.ts'
import type { ProtocolEngine } from './provider.ts'
import { MOUNT_PATH, type ServerSettings } from './settings.ts'
import { USER_CODE_HEADER } from './device-pages.ts'
import { endGrant } from './stored-model.ts'
import { withoutDetour } from './strange-destination.ts'
import type { TokenHandles } from './token-handles.ts'

export interface ProtocolDeskParts {
  readonly settings: ServerSettings
  readonly handles: TokenHandles
  readonly verify: (token: string) => Promise<Verified>
}

const FORM = /^application\/x-www-form-urlencoded(?:;|$)/i
const JSON_TYPE = /^application\/json(?:;|$)/i
/** Where a client that asks for no scope means the usual one (RFC 6749 §3.3). */
const ASKING = new Set(['/authorize', '/par', '/device/authorize'])
const TOKEN_PATHS = new Set(['/revoke', '/introspect'])

export class ProtocolDesk {
  readonly #parts: ProtocolDeskParts

  constructor(parts: ProtocolDeskParts) {
    this.#parts = parts
  }

  /** Rejects with a Fault, and with `audit.unavailable` when what happened cannot be recorded. */
  async serve(exchange: Exchange, path: string, { provider, happenings, models }: ProtocolEngine): Promise<Answer> {
    let made: NodeRequest
    try {
      made = await this.#requestOf(exchange, path, provider)
    } catch (thrown) {
      if (!(thrown instanceof MetadataError)) throw thrown
      const refusal = { error: 'invalid_client_metadata', error_description: thrown.message }
      return this.#told(exchange, { status: 400, document: refusal }, refusal)
    }
    const { request, response } = nodePair(made)
    await provider.callback()(request, response)
    const answer = withoutScript(await response.answered)
    const { failure, reason, client, endedGrants = [] } = happenings.of(request)
    for (const grantId of endedGrants) await endGrant(models, grantId)
    if (failure !== undefined) this.#parts.settings.witness.failed(exchange, failure)
    const refusal = refusalOf(answer)
    if (refusal === undefined) return answer
    await this.#told(exchange, answer, { ...refusal, reason })
    return withoutDetour(answer, this.#parts.settings.clients, client)
  }

  async #told(exchange: Exchange, answer: Answer, facts: Record<string, unknown>): Promise<Answer> {
    const code = answer.status >= 500 ? 'identity.unavailable' : 'identity.oauth_refused'
    await this.#parts.settings.witness.refused(exchange, code, answer.status, facts)
    return answer
  }

  async #requestOf(exchange: Exchange, path: string, provider: Provider): Promise<NodeRequest> {
    const { method, query, headers } = exchange.head
    const body = await exchange.body.read(MAX_FORM_BYTES)
    const form = FORM.test(String(headers['content-type'] ?? ''))
      ? new URLSearchParams(body.toString('utf8'))
      : undefined
    const params = new URLSearchParams(query)
    const sent =
      form === undefined ? this.#documentOf(path, headers, body) : Buffer.from(String(await this.#formOf(path, form)))
    const asked = path === '/authorize' && method === 'GET' ? this.#withScope(params) : params
    const userCode = path === '/device' ? take(asked, 'user_code') : undefined
    const url = asked.size === 0 ? path : `${path}?${asked.toString()}`
    return {
      method,
      url,
      originalUrl: MOUNT_PATH + url,
      headers: knownHeaders(headers, provider.issuer, exchange.peer.address, sent, userCode),
      body: sent,
    }
  }

  async #formOf(path: string, form: URLSearchParams): Promise<URLSearchParams> {
    if (TOKEN_PATHS.has(path)) return this.#parts.handles.translate(form, this.#parts.verify)
    const asks = ASKING.has(path) || (path === '/token' && form.get('grant_type') === 'client_credentials')
    return asks ? this.#withScope(form) : form
  }

  #withScope(params: URLSearchParams): URLSearchParams {
    const [usual] = this.#parts.settings.scopes.keys()
    if (usual === undefined || params.has('scope') || params.has('request_uri')) return params
    const asked = new URLSearchParams(params)
    asked.set('scope', usual)
    return asked
  }

  /** A client that registers itself is held to the same rules as one that a document describes. */
  #documentOf(path: string, headers: RequestHead['headers'], body: Buffer): Buffer {
    const { registration } = this.#parts.settings
    if (path !== '/register' || registration === undefined || !JSON_TYPE.test(String(headers['content-type'])))
      return body
    const { client_secret: _secret, ...metadata } = parsed(body)
    return Buffer.from(JSON.stringify(strangerMetadata(metadata)))
  }
}

/** What is said of the way here is what the listener has seen, not what a client writes. */
function knownHeaders(
  headers: RequestHead['headers'],
  issuer: string,
  address: string,
  body: Buffer,
  userCode: string | undefined,
): RequestHead['headers'] {
  const { host, protocol } = new URL(issuer)
  const { 'transfer-encoding': _coding, 'content-length': _length, ...rest } = headers
  return {
    ...rest,
    host,
    'x-forwarded-host': host,
    'x-forwarded-proto': protocol.slice(0, -1),
    'x-forwarded-for': address,
    [USER_CODE_HEADER]: userCode,
    ...(body.length > 0 && { 'content-length': String(body.length) }),
  }
}

function parsed(body: Buffer): Record<string, unknown> {
  try {
    return { ...(JSON.parse(body.toString('utf8')) as Record<string, unknown>) }
  } catch (cause) {
    throw new MetadataError('not JSON', { cause })
  }
}

function take(params: URLSearchParams, name: string): string | undefined {
  const value = params.get(name) ?? undefined
  params.delete(name)
  return value
}

/** What a device is told as long as nobody has decided (RFC 8628 §3.5). */
const WAITING: ReadonlySet<unknown> = new Set(['authorization_pending', 'slow_down'])

/** What an answer refuses, in the words of OAuth; undefined when it refuses nothing. */
function refusalOf({ status, headers = {}, page }: Answer): Record<string, unknown> | undefined {
  const location = headers['location']
  const url = location === undefined ? null : URL.parse(location)
  const told = new URLSearchParams(url === null ? '' : `${url.search.slice(1)}&${url.hash.slice(1)}`)
  const error = told.get('error')
  if (error) return { error, description: told.get('error_description') }
  if (status < 400) return undefined
  try {
    const { error: code, error_description: description } = JSON.parse(page ?? '') as Record<string, unknown>
    return WAITING.has(code) ? undefined : { error: code, description }
  } catch {
    return { status }
  }
}
