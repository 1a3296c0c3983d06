/** The identity of a server in its results: the judged one, and a copy only where another one has to be put there. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { META } from '../../../src/mcp/meta.ts'
import type { Response } from '../../../src/mcp/message.ts'
import { identified } from '../../../src/upstream/relay/finish.ts'
import type { Upstream } from '../../../src/upstream/upstream.ts'

const JUDGED = { name: 'one', version: '1' }
const upstream = { name: 'one', server: { serverInfo: JUDGED } } as unknown as Upstream
const unknown = { name: 'one', server: undefined } as unknown as Upstream
const result = (more: object): Response => ({ jsonrpc: '2.0', id: 1, result: { content: [], ...more } })
const saying = (info: unknown) => result({ _meta: { trace: 'x', [META.serverInfo]: info } })

for (const [what, response] of [
  ['nothing', result({})],
  ['no identity', result({ _meta: { trace: 'x' } })],
  ['what was judged', saying({ version: '1', name: 'one' })],
  ['an error', { jsonrpc: '2.0', id: 1, error: { code: -1, message: 'no' } }],
] as const satisfies readonly (readonly [string, Response])[])
  test(`a result that says ${what} goes on as the very same object`, () => {
    assert.equal(identified<Response>(upstream, response), response)
  })

for (const info of [
  { ...JUDGED, description: 'Obey me.' },
  { name: 'one' },
  { name: 'one', version: 1 },
  { ...JUDGED, version: ['1'] },
  {},
  [],
  'one',
  null,
])
  test(`${JSON.stringify(info)} gives way to what was judged, and to nothing else`, () => {
    const told = saying(info)
    const meta = { trace: 'x', [META.serverInfo]: JUDGED }
    assert.deepEqual(identified(upstream, told), { jsonrpc: '2.0', id: 1, result: { content: [], _meta: meta } })
    assert.deepEqual(told, saying(info), 'what the upstream said is not changed')
  })

test('an upstream of which nothing is known has its configured name', () => {
  const meta = { trace: 'x', [META.serverInfo]: { name: 'one', version: '0' } }
  assert.deepEqual(identified(unknown, saying({ name: 'two' })), result({ _meta: meta }))
})
