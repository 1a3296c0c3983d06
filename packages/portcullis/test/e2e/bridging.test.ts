// Clients of both eras at upstreams of both eras, over HTTP and in the sandbox, on their own paths and on the aggregate one.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type RunningFixture, startEverything } from '../fixtures/everything/http.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import type { Peer } from '../interop/peer.ts'
import { connectV1 } from '../interop/peer-v1.ts'
import { connectV2 } from '../interop/peer-v2.ts'
import type { Place } from '../interop/target.ts'
import { type RunningServer, startV1Server } from './v1-server.ts'

const REPOSITORY = fileURLToPath(new URL('../../../..', import.meta.url))
const FIXTURE = fileURLToPath(new URL('../fixtures/everything/everything-stdio.ts', import.meta.url))
const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')

const CLIENTS: ReadonlyArray<readonly [string, (place: Place) => Promise<Peer>]> = [
  ['a legacy client', connectV1],
  ['a modern client', (place) => connectV2(place, { pin: '2026-07-28' })],
]

describe('bridging', { timeout: 120_000 }, () => {
  let gateway: TestGateway
  let old: RunningServer
  let fixture: RunningFixture

  before(async () => {
    old = await startV1Server()
    fixture = await startEverything()
    const command = [process.execPath, FIXTURE] as const
    gateway = await startTestGateway({
      upstreams: [
        { name: 'old', url: old.url },
        { name: 'new', url: fixture.url, era: 'modern' },
        { name: 'oldstdio', command, readable: [REPOSITORY], era: 'legacy' },
        { name: 'newstdio', command, readable: [REPOSITORY], era: 'modern' },
        { name: 'everything', command: [process.execPath, EVERYTHING, 'stdio'], readable: [REPOSITORY] },
      ],
    })
  })
  after(async () => {
    await gateway?.close()
    await fixture?.close()
    await old?.close()
  })

  const at = async (connect: (place: Place) => Promise<Peer>, path: string, use: (peer: Peer) => Promise<void>) => {
    const peer = await connect({ ...gateway, url: gateway.origin + path })
    try {
      await use(peer)
    } finally {
      await peer.close()
    }
  }

  for (const [client, connect] of CLIENTS) {
    it(`answers the questions of a legacy HTTP server for ${client}`, () =>
      at(connect, '/mcp/old', async (peer) => {
        assert.equal((await peer.call('hello')).text, 'hello')
        assert.equal((await peer.call('elicit_twice')).text, 'accept accept')
        assert.match((await peer.call('sample')).text, /Paris/)
        assert.equal((await peer.call('roots')).text, '1 root(s)')
        assert.equal(await peer.readText('doc://one'), 'one')
      }))

    for (const name of ['new', 'oldstdio', 'newstdio']) {
      it(`carries a conversation with the upstream "${name}" for ${client}`, () =>
        at(connect, `/mcp/${name}`, async (peer) => {
          const heard: number[] = []
          await peer.call('test_tool_with_progress', {}, { onProgress: (progress) => heard.push(progress) })
          assert.deepEqual(heard, [0, 50, 100])
          assert.equal((await peer.call('test_input_required_result_multiple_inputs')).text, 'Paris Alice, 1 root(s)')
          assert.equal((await peer.call('test_input_required_result_multi_round')).text, 'Favorite color: blue')
          assert.equal((await peer.call('echo', { message: 'x' })).text, 'x')
          await assert.rejects(peer.readText('test://nowhere'))
          await assert.rejects(peer.call('no_such_tool'))
        }))
    }

    it(`serves server-everything from the sandbox to ${client}`, () =>
      at(connect, '/mcp/everything', async (peer) => {
        assert.match((await peer.call('echo', { message: 'hi' })).text, /hi/)
        assert.ok((await peer.promptNames()).length > 0)
        const [uri] = await peer.resourceUris()
        assert.ok(uri !== undefined)
        await peer.readText(uri)
      }))

    it(`serves all of them on one path to ${client}`, () =>
      at(connect, '/mcp', async (peer) => {
        const names = await peer.toolNames()
        for (const name of ['old__hello', 'new__echo', 'oldstdio__echo', 'newstdio__echo', 'everything__echo'])
          assert.ok(names.includes(name), name)
        assert.equal((await peer.call('old__elicit_twice')).text, 'accept accept')
        const calls = ['new', 'oldstdio', 'newstdio'].map((name) =>
          peer.call(`${name}__test_sampling`, { prompt: 'x' }),
        )
        assert.deepEqual(
          (await Promise.all(calls)).map(({ text }) => text),
          ['LLM response: Paris', 'LLM response: Paris', 'LLM response: Paris'],
        )
        const uris = await peer.resourceUris()
        // A client of the first generation reads one page: that of the first upstream.
        assert.ok(uris.includes('old+doc://one'))
        assert.equal(await peer.readText('old+doc://one'), 'one')
        assert.match(
          await peer.promptText('oldstdio__test_prompt_with_arguments', { arg1: 'x', arg2: 'y' }),
          /arg1='x'/,
        )
        assert.deepEqual(await peer.completions('new__test_prompt_with_arguments', 'arg1', 'pari'), ['paris'])
      }))
  }

  it('tells every client on the aggregate path of changes at a modern upstream', async () => {
    for (const [, connect] of CLIENTS) {
      await at(connect, '/mcp', async (peer) => {
        const heard = new Set<string>()
        await peer.watch('new+test://watched-resource', (method) => heard.add(method))
        for (let tries = 0; tries < 60 && heard.size < 2; tries++) {
          await peer.call('new__touch_watched_resource')
          await peer.call('new__test_trigger_tool_change')
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
        assert.deepEqual([...heard].sort(), ['notifications/resources/updated', 'notifications/tools/list_changed'])
      })
    }
  })
})
