/** Decides what we accept from an issuer's web server: one JSON object over https, small, soon, without a redirect. */
import type { Dispatcher } from 'undici'
import { readAtMost } from '../core/read-at-most.ts'
import type { Secret } from '../core/secret.ts'

export interface FetchLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Plain http, and only to this machine. For tests: nobody else's keys may be read from an open wire. */
  readonly plainHttp: 'refused' | 'loopback-for-tests'
  /** Carries certificates of a private authority, or a proxy. undici's global dispatcher without it. */
  readonly dispatcher?: Dispatcher
}

export type JsonObject = Readonly<Record<string, unknown>>

/** Resolves with the object, or with nothing when the answer is another status than 200. Rejects with an Error otherwise. */
export type FetchJson = (url: string) => Promise<JsonObject | undefined>

/** As FetchJson, for a form that is posted; `authorization` is the value of that header. */
export type PostForm = (url: string, form: URLSearchParams, authorization: Secret) => Promise<JsonObject | undefined>

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

export function createFetchJson(limits: FetchLimits): FetchJson {
  return (url) => ask(url, limits, {})
}

export function createPostForm(limits: FetchLimits): PostForm {
  return (url, form, authorization) =>
    ask(url, limits, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: authorization.reveal() },
      body: form.toString(),
    })
}

interface Asking {
  readonly method?: 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

async function ask(url: string, limits: FetchLimits, { headers, ...more }: Asking): Promise<JsonObject | undefined> {
  requireSafeUrl(url, limits.plainHttp)
  // Loaded late: with API keys alone nothing is ever fetched.
  const { request } = await import('undici')
  const answer = await request(url, {
    ...more,
    headers: { accept: 'application/json', 'accept-encoding': 'identity', ...headers },
    signal: AbortSignal.timeout(limits.timeoutMs),
    ...(limits.dispatcher && { dispatcher: limits.dispatcher }),
  })
  if (answer.statusCode !== 200) {
    answer.body.on('error', () => {}).destroy()
    return undefined
  }
  return parseObject(await readAtMost(answer.body, limits.maxBytes, 'the issuer'))
}

/** Throws a TypeError for anything but https without credentials, or for http where the limits do not allow it. */
export function requireSafeUrl(text: string, plainHttp: FetchLimits['plainHttp']): URL {
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') throw new TypeError('the URL of an issuer carries no credentials')
  const loopback = url.protocol === 'http:' && plainHttp === 'loopback-for-tests' && LOOPBACK.has(url.hostname)
  if (url.protocol !== 'https:' && !loopback) throw new TypeError('the URL of an issuer is https')
  return url
}

function parseObject(bytes: Buffer): JsonObject {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('the issuer sent no object')
  return value as JsonObject
}
