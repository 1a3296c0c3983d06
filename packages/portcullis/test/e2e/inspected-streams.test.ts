/** IN-4, IN-7: what a stdio server tells before it answers is looked at like the answer, for clients of both eras. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { callTool, modern, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { META } from '../../src/mcp/meta.ts'

const FIXTURE = fileURLToPath(new URL('../fixtures/telling-stdio.ts', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url))
const CANARY = 'Zanzibar-Quokka-4711'

let gateway: TestGateway

before(async () => {
  gateway = await startTestGateway({
    upstreams: [
      {
        name: 'told',
        command: [process.execPath, FIXTURE],
        readable: [REPOSITORY],
        inspection: { tools: { tell: { on: { secret: { breach: 'refuse' } } } } },
      },
    ],
    config: { inspection: { results: { canaries: [{ env: 'CANARY' }] } } },
    environment: { CANARY },
  })
})
after(() => gateway.close())

/** The messages of an answer that came as events, or as one. */
function messagesIn(text: string): readonly {
  readonly method?: string
  readonly params?: Record<string, never>
  readonly result?: { readonly content: readonly { readonly text: string }[] }
}[] {
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => line.slice(6))
  return (lines.length === 0 ? [text] : lines).map((line) => JSON.parse(line))
}

async function tell(era: 'modern' | 'legacy', words: string) {
  const asked = { name: 'tell', arguments: { words } }
  if (era === 'modern') {
    const { body, headers } = modern('tools/call', { ...asked }, 1)
    const { params } = body as { params: { _meta: object } }
    const meta = { ...params._meta, progressToken: 'p', [META.logLevel]: 'debug' }
    return messagesIn((await send(gateway, { ...body, params: { ...params, _meta: meta } }, { headers })).text)
  }
  const headers = await openSession(gateway)
  const params = { ...asked, _meta: { progressToken: 'p' } }
  return messagesIn((await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { headers })).text)
}

for (const era of ['modern', 'legacy'] as const) {
  describe(`a ${era} client`, () => {
    test('gets everything as it is when there is nothing in it', async () => {
      const messages = await tell(era, 'of plain words')
      assert.deepEqual(
        messages.map(({ method }) => method),
        ['notifications/progress', 'notifications/message', undefined],
      )
      assert.match(JSON.stringify(messages[1]), /log of plain words/)
    })

    test('gets nothing that would run, and everything in its order', async () => {
      const messages = await tell(era, '<img src=x onerror=alert(1)>')
      assert.deepEqual(
        messages.map(({ method }) => method),
        ['notifications/progress', 'notifications/message', undefined],
      )
      for (const message of messages) {
        assert.doesNotMatch(JSON.stringify(message), /<img/)
        assert.match(JSON.stringify(message), /(?:progress|log|answer) &lt;img/)
      }
    })
  })
}

test('words that hold what must not pass do not reach the server', async () => {
  const { json } = await callTool(gateway, 'tell', { words: CANARY })
  assert.equal(json.result._meta['dev.portcullis/code'], 'inspection.refused')
})
