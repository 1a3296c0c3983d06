/** How a key management service is asked: over TLS with full verification, with a deadline, a bounded answer, and again when it is busy. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Agent } from 'undici'
import { readAtMost } from '../../core/read-at-most.ts'
import { type ProveServer, tlsAgent } from '../../core/tls-agent.ts'
import { KeyServiceError } from '../key-encryption.ts'

export interface AskOptions {
  /** PEM of authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined
  /** What has to be true of the service beside what the platform asks. */
  readonly prove?: ProveServer | undefined
  /** For one attempt. */
  readonly timeoutMs: number
  readonly attempts: number
  /** Before the second attempt; twice as long before each further one. */
  readonly pauseMs?: number
}

export interface Question {
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Reply {
  readonly status: number
  readonly text: string
}

/**
 * `question` is made for each attempt: signatures have a time. `isBusy` says of an answer that it may be another one soon, or that it will
 * not; undefined leaves that to its status.
 */
export type Ask = (question: () => Question | Promise<Question>, isBusy?: IsBusy) => Promise<Reply>
export type IsBusy = (reply: Reply) => boolean | undefined

const MAX_BYTES = 65_536
const PAUSE_MS = 200
const MAX_PAUSE_MS = 5_000

/** Rejects with KeyServiceError when nobody answers, or 429 or 5xx to the last. Redirects are answers. Proxies of the environment are not used. */
export function asker({ ca, prove, timeoutMs, attempts, pauseMs = PAUSE_MS }: AskOptions): Ask {
  let agent: Promise<Agent> | undefined
  const connect = () => tlsAgent({ timeout: timeoutMs, ...(ca !== undefined && { ca }) }, { connections: 8 }, prove)
  const once = async (question: Question): Promise<Reply & { readonly retryAfterMs: number }> => {
    const { request } = await import('undici')
    const { url, method, headers, body } = question
    const answer = await request(url, {
      ...{ method, headers: { ...headers, 'accept-encoding': 'identity' } },
      ...(body !== undefined && { body }),
      dispatcher: await (agent ??= connect()),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = (await readAtMost(answer.body, MAX_BYTES, 'the key service')).toString('utf8')
    return { status: answer.statusCode, text, retryAfterMs: retryAfter(answer.headers['retry-after']) }
  }
  return async (question, isBusy = () => undefined) => {
    let waitMs = pauseMs
    for (let attempt = 1; ; attempt++) {
      const asked = await question()
      const isLast = attempt >= attempts
      let told = waitMs
      try {
        const reply = await once(asked)
        if (!(isBusy(reply) ?? isBusyStatus(reply.status))) return reply
        if (isLast) throw silent(asked, `answered ${reply.status}`)
        told = Math.max(waitMs, reply.retryAfterMs)
      } catch (thrown) {
        if (thrown instanceof KeyServiceError) throw thrown
        if (isLast) throw silent(asked, 'did not answer', thrown)
      }
      await pause(told * (0.5 + Math.random() / 2))
      waitMs *= 2
    }
  }
}

const isBusyStatus = (status: number): boolean => status === 429 || status >= 500

const silent = ({ url }: Question, what: string, cause?: unknown): KeyServiceError => {
  const code = (cause as { readonly code?: unknown } | undefined)?.code
  const why = typeof code === 'string' ? ` (${code})` : ''
  return new KeyServiceError('unavailable', `the key service at ${new URL(url).host} ${what}${why}`, cause)
}

/** What the service answers that cannot be right, or that says no. */
export const refused = (service: string, why: string): KeyServiceError =>
  new KeyServiceError('refused', `${service} ${why}`)

/** Throws KeyServiceError for what is no JSON object. */
export function objectOf(service: string, { text }: Reply): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw refused(service, 'answered something that is no JSON object')
}

/** Base64 in its one spelling, or base64url without padding. Throws KeyServiceError. */
export function bytesOf(service: string, value: unknown, encoding: 'base64' | 'base64url' = 'base64'): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, encoding) : undefined
  if (bytes === undefined || bytes.length === 0 || bytes.toString(encoding) !== value)
    throw refused(service, `answered without ${encoding} where bytes belong`)
  return bytes
}

/** Throws KeyServiceError. */
export function textOf(service: string, value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') throw refused(service, `answered without ${what}`)
  return value
}

/** In seconds; a date is ignored, because it is of a clock that is not ours. */
function retryAfter(header: string | readonly string[] | undefined): number {
  const seconds = typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : 0
  return Math.min(seconds * 1_000, MAX_PAUSE_MS)
}
