// The official client of generation 2 signs its own proofs (RFC 9449); the gateway takes them without a special case.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client, DpopSession, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { trustingFetch } from './trusting-fetch.ts'

let running: IssuingGateway

before(async () => {
  running = await startIssuing({ upstreams: { one: { senderConstrained: 'required' } } })
})
after(() => running.close())

for (const mode of ['auto', 'legacy'] as const) {
  test(`its ${mode} mode lists and calls tools with a bound token, over a change of the nonce`, async (t) => {
    const { gateway, upstream } = running
    const url = new URL(gateway.endpoint('one'))
    const session = await DpopSession.create()
    const token = await running.token({ cnf: { jkt: session.thumbprint }, jti: mode })
    const trusting = trustingFetch({ caFile: gateway.caFile } as Parameters<typeof trustingFetch>[0])
    const fetch = withDpop(session, () => token)(trusting.fetch)
    const client = new Client({ name: 'proving', version: '1' }, { versionNegotiation: { mode } })
    t.after(async () => {
      await client.close()
      await trusting.close()
    })
    await client.connect(new StreamableHTTPClientTransport(url, { fetch }))
    assert.deepEqual(
      (await client.listTools()).tools.map(({ name }) => name),
      ['echo'],
    )
    const earlier = upstream.count()
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'a' } })
    assert.deepEqual(content, [{ type: 'text', text: '{"text":"a"}' }])
    session.rememberNonce(url, 'one that the gateway never gave')
    await client.callTool({ name: 'echo', arguments: { text: 'b' } })
    assert.equal(upstream.count(), earlier + 2)
  })
}
