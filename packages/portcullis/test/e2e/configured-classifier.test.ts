/** IN-7: each key of the classifier has its effect on an answer through the running gateway, and another one is there without it. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import type { RecordedFinding } from '../../src/audit/record.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { createTestIdentity, type TestIdentity } from '../fixtures/certificate.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway } from '../fixtures/gateway.ts'

const TOKEN = 'of-the-classifier'
const WORDS = 'Plain words that somebody scored. '

interface Told {
  readonly code: string | undefined
  readonly verdicts: readonly string[]
  /** What the service was shown for it. */
  readonly texts: readonly string[]
  readonly authorization: string | undefined
  /** Requests at once. */
  readonly atOnce: number
}

let identity: TestIdentity
let server: Server
let upstream: CountingUpstream
let url = ''
/** What the service says of each text, and how long it takes. */
let score = 0.95
let delayMs = 0
let answer = WORDS
let seen: { texts: string[]; authorization: string | undefined; now: number; most: number }

before(async () => {
  identity = await createTestIdentity()
  upstream = await startCounting([{ name: 'say', run: () => ({ content: [{ type: 'text', text: answer }] }) }])
  server = createServer({ key: identity.key, cert: identity.cert }, async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { texts } = JSON.parse(body)
    seen.texts.push(...texts)
    seen.authorization = request.headers.authorization
    seen.most = Math.max(seen.most, ++seen.now)
    await new Promise((resolve) => setTimeout(resolve, delayMs))
    seen.now--
    response.end(JSON.stringify({ scores: texts.map(() => score) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/score`
})
after(async () => {
  server.closeAllConnections()
  server.close()
  identity.remove()
  await upstream.close()
})

/** What becomes of an answer; `calls` at once. */
async function told(classifier: object, calls = 1): Promise<Told> {
  seen = { texts: [], authorization: undefined, now: 0, most: 0 }
  const gateway = await startTestGateway({
    upstreams: [{ name: 'shop', url: upstream.url }],
    config: { inspection: { results: { classifier } } },
    environment: { CLASSIFIER_TOKEN: TOKEN },
  })
  try {
    await Promise.all(Array.from({ length: calls }, () => callTool(gateway, 'say')))
    const last = recordsOf(gateway).findLast((record) => record.kind === 'outcome') as {
      readonly code?: string
      readonly findings?: readonly RecordedFinding[]
    }
    const { texts, authorization, most } = seen
    return {
      ...{ code: last.code, texts, authorization, atOnce: most },
      verdicts: (last.findings ?? []).map(({ verdict }) => verdict),
    }
  } finally {
    await gateway.close()
  }
}

const REFUSED = 'inspection.result_refused'

interface Row {
  readonly key: string
  readonly value: () => unknown
  readonly prepare?: () => void
  readonly calls?: number
  readonly shows: (told: Told) => unknown
  readonly withIt: unknown
  readonly without: unknown
}

const longest = ({ texts }: Told) => Math.max(...texts.map(({ length }) => length))
const long = (): void => void (answer = WORDS.repeat(60))

const ROWS: readonly Row[] = [
  {
    key: 'ca',
    value: () => identity.caFile,
    prepare: () => void (score = 0),
    shows: ({ code }) => code,
    withIt: undefined,
    without: REFUSED,
  },
  {
    key: 'token',
    value: () => ({ env: 'CLASSIFIER_TOKEN' }),
    shows: ({ authorization }) => authorization,
    withIt: `Bearer ${TOKEN}`,
    without: undefined,
  },
  {
    key: 'timeoutMs',
    value: () => 100,
    prepare: () => void ((score = 0), (delayMs = 600)),
    shows: ({ code }) => code,
    withIt: REFUSED,
    without: undefined,
  },
  { key: 'threshold', value: () => 0.99, shows: ({ code }) => code, withIt: undefined, without: REFUSED },
  { key: 'windowChars', value: () => 128, prepare: long, shows: longest, withIt: 128, without: 400 },
  {
    key: 'overlapChars',
    value: () => 0,
    prepare: () => void (long(), (score = 0)),
    shows: ({ texts }) => texts.join('') === answer,
    withIt: true,
    without: false,
  },
  {
    key: 'maxWindows',
    value: () => 2,
    prepare: () => void (long(), (score = 0)),
    shows: ({ code }) => code,
    withIt: REFUSED,
    without: undefined,
  },
  {
    key: 'concurrency',
    value: () => 1,
    prepare: () => void (delayMs = 100),
    calls: 3,
    shows: ({ atOnce }) => atOnce === 1,
    withIt: true,
    without: false,
  },
  {
    key: 'verdict',
    value: () => 'annotate',
    shows: ({ verdicts }) => verdicts,
    withIt: ['annotate'],
    without: ['refuse'],
  },
  {
    key: 'onError',
    value: () => 'annotate',
    prepare: () => void (score = 7),
    shows: ({ verdicts }) => verdicts,
    withIt: ['annotate'],
    without: ['refuse'],
  },
]

describe('inspection.results.classifier', { timeout: 60_000 }, () => {
  for (const { key, value, prepare, calls, shows, withIt, without } of ROWS)
    test(`${key} has its effect`, async () => {
      ;[score, delayMs, answer] = [0.95, 0, WORDS]
      prepare?.()
      const usual = { url, ...(key !== 'ca' && { ca: identity.caFile }) }
      assert.deepEqual(shows(await told({ ...usual, [key]: value() }, calls)), withIt, 'with it')
      assert.deepEqual(shows(await told(usual, calls)), without, 'without it')
    })
})
