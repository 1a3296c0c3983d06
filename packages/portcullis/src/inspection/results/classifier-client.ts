/**
 * Asks an outside classifier over HTTP: `POST { "texts": [...] }`, answered by `{ "scores": [...] }`. https, or http to this
 * machine; no redirects, small answers, few at once.
 */
import type { Agent } from 'undici'
import { readAtMost } from '../../core/read-at-most.ts'
import { type ProveServer, tlsAgent } from '../../core/tls-agent.ts'
import type { Secret } from '../../core/secret.ts'
import type { Classify } from './classifier.ts'

export interface ClassifierClientOptions {
  readonly url: string
  readonly timeoutMs: number
  /** PEM of the authorities to trust instead of the usual ones. */
  readonly ca?: string
  /** What has to be true of the classifier's server beside what the platform asks. */
  readonly prove?: ProveServer
  /** Sent as a bearer token. */
  readonly token?: Secret
  /** How many requests are under way at once; others wait, within their own time. */
  readonly concurrency: number
}

export interface ClassifierClient {
  readonly classify: Classify
  close(): Promise<void>
}

const MAX_ANSWER_BYTES = 65_536
const MAX_WAITING = 256

/** undici is loaded with the first text. Throws a TypeError for a URL that is neither https nor of this machine. */
export function classifierClient(options: ClassifierClientOptions): ClassifierClient {
  const url = safeUrl(options.url)
  const slots = new Slots(options.concurrency)
  let agent: Promise<Agent> | undefined
  return {
    classify: async (texts) => {
      const signal = AbortSignal.timeout(options.timeoutMs)
      await slots.take(signal)
      try {
        agent ??= openAgent(options)
        return await ask(url, texts, options, await agent, signal)
      } finally {
        slots.give()
      }
    },
    close: async () => (await agent)?.destroy(),
  }
}

function safeUrl(text: string): string {
  const url = new URL(text)
  const isNear = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isNear))
    throw new TypeError('only https, or http to this machine')
  if (url.username !== '' || url.password !== '') throw new TypeError('a URL with credentials')
  return url.href
}

function openAgent({ ca, prove, timeoutMs, concurrency }: ClassifierClientOptions): Promise<Agent> {
  const connect = { timeout: timeoutMs, ...(ca !== undefined && { ca }) }
  const patience = { bodyTimeout: timeoutMs, headersTimeout: timeoutMs }
  return tlsAgent(connect, { connections: concurrency, pipelining: 1, ...patience }, prove)
}

async function ask(
  url: string,
  texts: readonly string[],
  { token }: ClassifierClientOptions,
  dispatcher: Agent,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const { request } = await import('undici')
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` }
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    'accept-encoding': 'identity',
    ...authorization,
  }
  const answer = await request(url, { method: 'POST', headers, body: JSON.stringify({ texts }), dispatcher, signal })
  const bytes = await readAtMost(answer.body, MAX_ANSWER_BYTES, 'the classifier')
  if (answer.statusCode !== 200) throw new Error(`the classifier answered ${answer.statusCode}`)
  const { scores } = JSON.parse(bytes.toString('utf8')) as { readonly scores?: unknown }
  if (!Array.isArray(scores) || !scores.every((score) => typeof score === 'number')) throw new TypeError('no scores')
  return scores
}

/** So many at once; the others wait in their order, until their signal says that it is too late. */
class Slots {
  #free: number
  readonly #waiting: Array<() => void> = []

  constructor(count: number) {
    this.#free = count
  }

  take(signal: AbortSignal): Promise<void> | void {
    if (this.#free > 0) {
      this.#free--
      return
    }
    if (this.#waiting.length >= MAX_WAITING) throw new Error('too many texts wait for the classifier')
    return new Promise((resolve, reject) => {
      const tooLate = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        reject(signal.reason as Error)
      }
      const go = () => {
        signal.removeEventListener('abort', tooLate)
        resolve()
      }
      signal.addEventListener('abort', tooLate, { once: true })
      this.#waiting.push(go)
    })
  }

  give(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
