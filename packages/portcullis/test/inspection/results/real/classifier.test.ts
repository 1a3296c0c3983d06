// IN-7: an outside classifier over TLS, and what follows when it is slow, wrong or away.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Secret } from '../../../../src/core/secret.ts'
import { classifierClient, type ClassifierClient } from '../../../../src/inspection/results/classifier-client.ts'
import { recordsOf } from '../../../fixtures/audit.ts'
import { createTestIdentity, type TestIdentity } from '../../../fixtures/certificate.ts'
import { callTool } from '../../../fixtures/client.ts'
import { startCounting } from '../../../fixtures/counting-upstream.ts'
import { startTestGateway } from '../../../fixtures/gateway.ts'

let identity: TestIdentity
let url = ''
let answer: (texts: readonly string[], response: ServerResponse) => void
const seen: { readonly texts: readonly string[]; readonly authorization: string | undefined }[] = []
let server: ReturnType<typeof createServer>
const open: ClassifierClient[] = []

const scores = (of: (text: string) => unknown) => (texts: readonly string[], response: ServerResponse) =>
  void response.end(JSON.stringify({ scores: texts.map(of) }))
const byWord = scores((text) => (text.includes('SCORED') ? 0.97 : 0.02))

before(async () => {
  identity = await createTestIdentity()
  server = createServer(
    { key: identity.key, cert: identity.cert },
    (request, response) => void serve(request, response),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/score`
})
after(async () => {
  await Promise.all(open.map((made) => made.close()))
  server.closeAllConnections()
  server.close()
  identity.remove()
})

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  const { texts } = JSON.parse(body)
  seen.push({ texts, authorization: request.headers.authorization })
  answer(texts, response)
}

function client(more: Partial<Parameters<typeof classifierClient>[0]> = {}): ClassifierClient {
  const made = classifierClient({
    url,
    timeoutMs: 2_000,
    concurrency: 2,
    ca: readFileSync(identity.caFile, 'utf8'),
    ...more,
  })
  open.push(made)
  return made
}

describe('the client of a classifier', () => {
  test('sends texts with its token and gets a score for each', async () => {
    answer = byWord
    const found = await client({ token: new Secret('t0ken') }).classify(['plain', 'SCORED'])
    assert.deepEqual(found, [0.02, 0.97])
    assert.deepEqual(seen.at(-1), { texts: ['plain', 'SCORED'], authorization: 'Bearer t0ken' })
  })

  const WRONG: readonly (readonly [string, typeof answer])[] = [
    ['another status', (_texts, response) => void response.writeHead(500).end('{"scores":[0]}')],
    ['a redirect', (_texts, response) => void response.writeHead(302, { location: url }).end()],
    ['no JSON', (_texts, response) => void response.end('fine')],
    ['no scores', (_texts, response) => void response.end('{}')],
    ['scores that are none', (_texts, response) => void response.end('{"scores":["0"]}')],
    ['too much', (_texts, response) => void response.end(' '.repeat(100_000))],
    ['nothing in time', () => {}],
  ]
  for (const [what, how] of WRONG) {
    test(`rejects ${what}`, async () => {
      answer = how
      await assert.rejects(client({ timeoutMs: 300 }).classify(['a']))
    })
  }

  test('trusts no other authority', async () => {
    answer = byWord
    const made = classifierClient({ url, timeoutMs: 2_000, concurrency: 1 })
    open.push(made)
    await assert.rejects(made.classify(['a']))
  })

  for (const bad of ['http://classifier.example/', 'http://10.0.0.1/', 'ftp://127.0.0.1/', 'https://a:b@127.0.0.1/']) {
    test(`does not take ${bad}`, () => {
      assert.throws(() => classifierClient({ url: bad, timeoutMs: 1, concurrency: 1 }), TypeError)
    })
  }

  test('has no more requests under way than it may', async () => {
    let under = 0
    let most = 0
    answer = (texts, response) => {
      most = Math.max(most, ++under)
      setTimeout(() => {
        under--
        byWord(texts, response)
      }, 30)
    }
    const made = client()
    await Promise.all(Array.from({ length: 8 }, (_, index) => made.classify([`text ${index}`])))
    assert.equal(most, 2)
  })
})

describe('a gateway with a classifier', () => {
  async function answered(
    words: string,
    more: object,
  ): Promise<{ readonly text: string; readonly code: string | undefined }> {
    const upstream = await startCounting([{ name: 'say', run: () => ({ content: [{ type: 'text', text: words }] }) }])
    const classifier = { url, ca: identity.caFile, timeoutMs: 300, ...more }
    const gateway = await startTestGateway({
      upstreams: [{ name: 'shop', url: upstream.url }],
      config: { inspection: { results: { classifier } } },
    })
    try {
      const { text } = await callTool(gateway, 'say')
      const last = recordsOf(gateway).findLast((record) => record.kind === 'outcome') as { readonly code?: string }
      return { text, code: last.code }
    } finally {
      await gateway.close()
      await upstream.close()
    }
  }

  test('lets through what has a low score, and refuses what has a high one anywhere in it', async () => {
    answer = byWord
    assert.match((await answered('Some plain words of an answer.', {})).text, /plain words/)
    const refused = await answered(`${'plain words '.repeat(500)} SCORED ${'plain words '.repeat(500)}`, {})
    assert.equal(refused.code, 'inspection.result_refused')
    assert.doesNotMatch(refused.text, /SCORED/)
    for (const { texts } of seen.slice(-5)) for (const text of texts) assert.ok(text.length <= 512)
  })

  test('refuses when it does not answer, or lets through where that is said', async () => {
    answer = () => {}
    assert.equal((await answered('Some plain words of an answer.', {})).code, 'inspection.result_refused')
    assert.match((await answered('Some plain words of an answer.', { onError: 'annotate' })).text, /plain words/)
  })

  test('loses nothing that others have found', async () => {
    answer = scores(() => 0)
    assert.match((await answered('Some words <img src=x onerror=alert(1)>', {})).text, /&lt;img/)
  })
})
