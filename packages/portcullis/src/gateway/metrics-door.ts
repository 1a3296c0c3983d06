/** What the listener of metrics answers: three paths, to whoever calls it by its own name, and nothing else. */
import { hash, timingSafeEqual } from 'node:crypto'
import type { Exposition } from '../audit/metrics/exposition.ts'
import type { Answer, Exchange } from '../core/exchange.ts'
import { Fault, toFault } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Secret } from '../core/secret.ts'
import { answerOf } from '../mcp/refusal.ts'

export interface MetricsDoorOptions {
  /** Refuses names that are not ours. */
  readonly origin: Check<Exchange>
  readonly exposition: Pick<Exposition, 'contentType' | 'text'>
  /** What keeps the gateway from serving; empty when nothing does. Words, never names of anybody. */
  readonly problems: () => Promise<readonly string[]>
  /** Demanded for `/metrics`. */
  readonly token?: Secret | undefined
}

/** A probe that hangs tells less than one that fails. */
const PROBE_MS = 2_000
/** Anybody may ask whether the gateway is ready, and each answer costs a question to the store. */
const REMEMBERED_MS = 1_000

type Problems = MetricsDoorOptions['problems']

export function metricsDoor(options: MetricsDoorOptions): (exchange: Exchange) => Promise<Answer> {
  const problems = remembered(options.problems)
  const pages: ReadonlyMap<string, (exchange: Exchange) => Promise<Answer>> = new Map([
    ['/healthz', async () => text(200, 'ok')],
    ['/readyz', (exchange: Exchange) => readiness(() => problems(exchange.receivedAt))],
    ['/metrics', (exchange: Exchange) => metrics(options, exchange)],
  ])
  const answered = async (exchange: Exchange): Promise<Answer> => {
    try {
      const { method, path } = exchange.head
      await options.origin.check(exchange)
      const page = pages.get(path)
      if (page === undefined) throw new Fault('transport.not_found', { path })
      if (method !== 'GET') throw new Fault('transport.method_not_allowed', { method }, { headers: { allow: 'GET' } })
      return await page(exchange)
    } catch (thrown) {
      return answerOf(toFault(thrown), exchange)
    }
  }
  return async (exchange) => ownOnly(await answered(exchange))
}

/** No page of another origin can take an answer in, as an image or a script. */
const ownOnly = (answer: Answer): Answer => ({
  ...answer,
  headers: { ...answer.headers, 'cross-origin-resource-policy': 'same-origin' },
})

/** What was found at most a second ago is still so: those who ask at once share one question. */
function remembered(problems: Problems): (now: number) => ReturnType<Problems> {
  let known: { readonly at: number; readonly found: ReturnType<Problems> } | undefined
  return (now) => {
    if (known === undefined || Math.abs(now - known.at) >= REMEMBERED_MS) known = { at: now, found: problems() }
    return known.found
  }
}

async function readiness(problems: () => Promise<readonly string[]>): Promise<Answer> {
  const late = new Promise<readonly string[]>((resolve) => setTimeout(resolve, PROBE_MS, ['no answer']).unref())
  const found = await Promise.race([problems(), late])
  return found.length === 0 ? text(200, 'ready') : text(503, `not ready: ${found.join(', ')}`)
}

async function metrics({ token, exposition }: MetricsDoorOptions, { head }: Exchange): Promise<Answer> {
  if (token !== undefined && !isSame(head.headers['authorization'], token)) {
    throw new Fault('identity.missing', {}, { headers: { 'www-authenticate': 'Bearer' } })
  }
  return text(200, await exposition.text(), exposition.contentType)
}

/** Digests are of one length, so the comparison tells nothing about the token. */
function isSame(authorization: unknown, token: Secret): boolean {
  const sent = hash('sha256', typeof authorization === 'string' ? authorization : '', 'buffer')
  return timingSafeEqual(sent, hash('sha256', `Bearer ${token.reveal()}`, 'buffer'))
}

const text = (status: number, page: string, type = 'text/plain; charset=utf-8'): Answer => ({
  status,
  page: page.endsWith('\n') ? page : `${page}\n`,
  headers: { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
})
