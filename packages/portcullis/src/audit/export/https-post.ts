/** Posts to a receiver that the configuration names: TLS with full verification, small answers, no redirects, no proxy of the environment. */
import type { Agent } from 'undici'
import { readAtMost } from '../../core/read-at-most.ts'
import { type ProveServer, tlsAgent } from '../../core/tls-agent.ts'
import { SinkError } from './sink.ts'

export interface PostOptions {
  /** https, or http to this machine. */
  readonly url: string
  /** PEM of authorities to trust instead of the usual ones. */
  readonly ca?: string | undefined
  /** Our own certificate and key, PEM. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** What has to be true of the receiver beside what the platform asks. */
  readonly prove?: ProveServer | undefined
}

export interface Poster {
  /** The text of a 2xx answer. Rejects with SinkError for any other, and with what the network says. */
  post(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<string>
  close(): Promise<void>
}

const MAX_ANSWER_BYTES = 65_536
const CONNECT_MS = 10_000
const MAX_RETRY_AFTER_MS = 300_000
/** Statuses that speak of what was sent. All others are of the receiver, or of how we are known to it, and pass. */
const REFUSALS: ReadonlySet<number> = new Set([400, 409, 411, 413, 414, 415, 422, 431])

/** undici is loaded with the first record. */
export function poster({ url, ca, certificate, key, prove }: PostOptions): Poster {
  let agent: Promise<Agent> | undefined
  const connect = (): Promise<Agent> => {
    const identity = certificate === undefined ? {} : { cert: certificate, key }
    const tls = { timeout: CONNECT_MS, ...(ca !== undefined && { ca }), ...identity }
    return tlsAgent(tls, { connections: 1, pipelining: 1 }, prove)
  }
  return {
    async post(headers, body, signal) {
      const { request } = await import('undici')
      const dispatcher = await (agent ??= connect())
      const sent = { 'content-type': 'application/json', 'accept-encoding': 'identity', ...headers }
      const answer = await request(url, { method: 'POST', headers: sent, body, dispatcher, signal })
      const bytes = await readAtMost(answer.body, MAX_ANSWER_BYTES, 'the receiver')
      const { statusCode } = answer
      if (statusCode >= 200 && statusCode < 300) return bytes.toString('utf8')
      throw new SinkError(`the receiver answered ${statusCode}`, {
        refused: REFUSALS.has(statusCode),
        retryAfterMs: retryAfter(answer.headers['retry-after']),
      })
    },
    async close() {
      const open = agent
      agent = undefined
      await (await open)?.destroy()
    },
  }
}

/** In seconds; a date is ignored, because it is of a clock that is not ours. */
function retryAfter(header: string | readonly string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : undefined
  return seconds === undefined ? undefined : Math.min(seconds * 1_000, MAX_RETRY_AFTER_MS)
}
