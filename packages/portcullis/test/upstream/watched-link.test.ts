import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Response } from '../../src/mcp/message.ts'
import { type LinkRequest, type ManagedLink, NO_EVENTS } from '../../src/upstream/link.ts'
import { WatchedLink } from '../../src/upstream/watched-link.ts'

const RESPONSE: Response = { jsonrpc: '2.0', id: 1, result: {} }
const request = (incident?: string): LinkRequest => ({
  ...{ id: 1, method: 'tools/call', params: {} },
  ...(incident !== undefined && { incident }),
})

function newLink(answer: () => Promise<Response>) {
  const told: string[] = []
  const recorded = Promise.withResolvers<void>()
  const link: ManagedLink = {
    ...{
      era: 'modern',
      server: { protocolVersion: 'v', capabilities: {}, serverInfo: {} },
      closed: false,
      inFlight: 3,
    },
    request: answer,
    notify: async () => {},
    close: async () => void told.push('closed'),
  }
  const calls = {
    begin: (incident: string) => void told.push(`begin ${incident}`),
    end(incident: string) {
      told.push(`end ${incident}`)
      return recorded.promise
    },
  }
  return { watched: new WatchedLink(link, calls), told, recorded }
}

const ask = (link: WatchedLink, incident?: string) => link.request(request(incident), NO_EVENTS, new Cancellation())
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a response waits until what its call did is on record', async () => {
  const { watched, told, recorded } = newLink(async () => RESPONSE)
  let answered = false
  const response = ask(watched, 'a').then((value) => {
    answered = true
    return value
  })
  await turn()
  assert.deepEqual(told, ['begin a', 'end a'])
  assert.equal(answered, false)
  recorded.resolve()
  assert.equal(await response, RESPONSE)
})

test('a response whose records cannot be written does not arrive', async () => {
  const { watched, recorded } = newLink(async () => RESPONSE)
  recorded.reject(new Fault('audit.unavailable'))
  await assert.rejects(
    ask(watched, 'a'),
    (thrown: unknown) => thrown instanceof Fault && thrown.code === 'audit.unavailable',
  )
})

test('a failure does not wait', async () => {
  const { watched, told } = newLink(async () => Promise.reject(new Fault('upstream.ended')))
  await assert.rejects(
    ask(watched, 'a'),
    (thrown: unknown) => thrown instanceof Fault && thrown.code === 'upstream.ended',
  )
  assert.deepEqual(told, ['begin a', 'end a'])
})

test('what the gateway asks for itself is no call', async () => {
  const { watched, told } = newLink(async () => RESPONSE)
  await ask(watched)
  assert.deepEqual(told, [])
})

test('everything else is that of the link', async () => {
  const { watched, told } = newLink(async () => RESPONSE)
  assert.deepEqual([watched.era, watched.closed, watched.inFlight, watched.ending], ['modern', false, 3, undefined])
  assert.equal(watched.server.protocolVersion, 'v')
  await watched.notify({ jsonrpc: '2.0', method: 'x' })
  await watched.close()
  assert.deepEqual(told, ['closed'])
})
