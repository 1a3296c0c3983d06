import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestGateway, type TestGateway } from '../../fixtures/gateway.ts'
import { type Scripted, type Seen, startModern, tool } from './scripted.ts'
import { envelope, errorOf, modern, modernRequest, open, resultOf, textOf } from './wire.ts'

const said = (text: string, more = {}) => ({ resultType: 'complete', content: [{ type: 'text', text }], ...more })
const REGION = { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } }
const POLICY = `@id("administrators")
permit (principal in Role::"admin", action, resource);
@id("users-call-free")
permit (principal in Role::"user", action, resource)
unless { resource == Tool::"one/secret" };
`

describe('checklist: message and headers', { timeout: 60_000 }, () => {
  let upstream: Scripted
  let gateway: TestGateway

  before(async () => {
    const tools = [tool('free'), tool('secret'), tool('odd'), tool('broken'), tool('region', { inputSchema: REGION })]
    upstream = await startModern(tools, {
      'tools/call': (turn) => {
        if (turn.params['name'] === 'odd') return turn.result({ ...said('odd'), ...ODD_RESULT })
        if (turn.params['name'] === 'broken') return turn.error(-32002, 'Resource not found')
        return turn.result(said(String(turn.params['name'])))
      },
      'resources/read': (turn) => turn.error(-32042, 'Elicitation required', { elicitations: [] }),
    })
    gateway = await startTestGateway({
      upstreams: [{ name: 'one', url: upstream.url }],
      policy: POLICY,
    })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const call = (name: string, more = {}) => ({ method: 'tools/call', params: { name, ...more } }) as const
  const last = (): Seen => upstream.last('tools/call')
  const unchanged = async (act: () => Promise<void>): Promise<void> => {
    const earlier = upstream.of('tools/call').length
    await act()
    assert.equal(upstream.of('tools/call').length, earlier, 'the upstream was reached')
  }

  it('row 5: the body decides the era, and a header that says otherwise is refused', () =>
    unchanged(async () => {
      for (const version of ['2025-11-25', '2025-03-26', undefined]) {
        const reply = await modern(gateway, { ...call('free'), headers: { 'mcp-protocol-version': version } })
        assert.deepEqual([reply.status, errorOf(reply).code], [400, -32020], String(version))
      }
      const initialize = await modern(gateway, { method: 'initialize', params: { protocolVersion: '2025-11-25' } })
      assert.deepEqual([initialize.status, errorOf(initialize).code], [404, -32601])
    }))

  it('row 6: a modern request without its envelope is refused', () =>
    unchanged(async () => {
      const { message, headers } = modernRequest(call('free'))
      const { 'io.modelcontextprotocol/clientCapabilities': _gone, ...rest } = envelope()
      const { 'io.modelcontextprotocol/protocolVersion': _version, ...versionless } = envelope()
      for (const _meta of [undefined, {}, rest, versionless, 'text']) {
        const sent = { ...message, params: { name: 'free', ...(_meta !== undefined && { _meta }) } }
        const reply = await (await open(gateway, { message: sent, headers })).whole()
        assert.deepEqual([reply.status, errorOf(reply).code], [400, -32602], JSON.stringify(_meta))
      }
    }))

  it('row 7: an unknown version is refused with the list of those that are spoken', () =>
    unchanged(async () => {
      const reply = await modern(gateway, {
        ...call('free'),
        meta: { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' },
        headers: { 'mcp-protocol-version': '2027-01-01' },
      })
      const { code, data = {} } = errorOf(reply)
      assert.deepEqual([reply.status, code, data['requested']], [400, -32022, '2027-01-01'])
      assert.ok((data['supported'] as string[]).includes('2026-07-28'))
    }))

  it('row 8: the standard headers repeat the body', async () => {
    await unchanged(async () => {
      const wrong: ReadonlyArray<Readonly<Record<string, string | undefined>>> = [
        { 'mcp-method': undefined },
        { 'mcp-method': 'tools/list' },
        { 'mcp-method': 'Tools/Call' },
        { 'mcp-name': undefined },
        { 'mcp-name': 'secret' },
        { 'mcp-name': 'FREE' },
        { 'mcp-name': '=?base64?ZnJlZQ?=' },
        { 'mcp-name': '=?base64?!!!!?=' },
      ]
      for (const headers of wrong) {
        const reply = await modern(gateway, { ...call('free'), headers })
        assert.deepEqual([reply.status, errorOf(reply).code], [400, -32020], JSON.stringify(headers))
      }
    })
    const encoded = { 'mcp-name': `=?base64?${Buffer.from('free').toString('base64')}?=` }
    assert.equal(textOf(await modern(gateway, { ...call('free'), headers: encoded })), 'free')
  })

  it('row 9: a known Mcp-Param header must match, an unknown one is forwarded', async () => {
    const region = call('region', { arguments: { region: 'eu' } })
    await unchanged(async () => {
      for (const headers of [{ 'mcp-param-region': 'us' }, {}]) {
        const reply = await modern(gateway, { ...region, headers })
        assert.deepEqual([reply.status, errorOf(reply).code], [400, -32020], JSON.stringify(headers))
      }
    })
    const headers = { 'mcp-param-region': 'eu', 'mcp-param-unheard-of': 'of =?base64?things?=' }
    assert.equal(textOf(await modern(gateway, { ...region, headers })), 'region')
    assert.equal(last().headers['mcp-param-region'], 'eu')
    assert.equal(last().headers['mcp-param-unheard-of'], 'of =?base64?things?=')
  })

  it('row 10: a legacy message is judged by its body, and its Mcp headers do not pass', async () => {
    const token = await gateway.issue(['user'])
    const caller = { ...gateway, token }
    const initialize = {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'liar', version: '1' } },
    }
    const opened = await (await open(caller, { message: initialize })).whole()
    const lies = {
      'mcp-session-id': String(opened.headers['mcp-session-id']),
      'mcp-protocol-version': '2025-11-25',
      'mcp-method': 'tools/list',
      'mcp-param-region': 'us',
    }
    const send = (name: string, claimed: string) =>
      open(caller, {
        headers: { ...lies, 'mcp-name': claimed },
        message: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name } },
      }).then((answer) => answer.whole())
    await unchanged(async () => assert.equal(errorOf(await send('secret', 'free')).code, -32602))
    assert.equal(textOf(await send('free', 'secret')), 'free')
    const { headers } = last()
    assert.deepEqual(
      [headers['mcp-method'], headers['mcp-name'], headers['mcp-param-region']],
      ['tools/call', 'free', undefined],
    )
  })

  it('row 11: what the gateway renames it also renames in the headers', async () => {
    const reply = await modern({ ...gateway, url: `${gateway.origin}/mcp` }, call('one__free'))
    assert.equal(textOf(reply), 'free')
    assert.deepEqual([last().headers['mcp-name'], last().body['params']], ['free', { name: 'free', _meta: envelope() }])
  })

  it('row 13: what the gateway does not know passes untouched, both ways', async () => {
    const capabilities = { elicitation: { form: {}, future: { x: 1 } }, extensions: { 'com.example/x': { deep: [1] } } }
    const meta = { 'com.example/trace': 'abc', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    const reply = await modern(gateway, {
      ...call('odd', { arguments: { é: [null, 1.5, ''] }, future: { of: 'mcp' } }),
      capabilities,
      meta,
    })
    assert.deepEqual(last().body['params'], {
      name: 'odd',
      arguments: { é: [null, 1.5, ''] },
      future: { of: 'mcp' },
      _meta: { ...envelope(capabilities), ...meta },
    })
    assert.deepEqual(resultOf(reply), { ...said('odd'), ...ODD_RESULT })
  })

  it('row 15: a modern client never hears a code of the past', async () => {
    assert.equal(errorOf(await modern(gateway, call('broken'))).code, -32602)
    const read = await modern(gateway, { method: 'resources/read', params: { uri: 'a:b' } })
    assert.equal(errorOf(read).code, -32603)
    const refused = await modern({ ...gateway, token: 'no such token' }, call('free'))
    assert.equal(errorOf(refused).code, 401)
    assert.ok((errorOf(refused).code ?? 0) > -32000)
  })
})

/** Members, a content type and a result member that no revision knows. */
const ODD_RESULT = {
  content: [{ type: 'com.example/hologram', data: { angle: 12.5 }, annotations: { new: true } }],
  structuredContent: ['any', { json: null }],
  'com.example/extra': { kept: true },
  _meta: { 'com.example/note': 'kept' },
}
