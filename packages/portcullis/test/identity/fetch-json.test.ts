import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { RequestListener } from 'node:http'
import { createFetchJson } from '../../src/identity/fetch-json.ts'
import { LoopbackIssuer } from './loopback-issuer.ts'

const fetchJson = createFetchJson({ timeoutMs: 200, maxBytes: 1000, plainHttp: 'loopback-for-tests' })

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = await LoopbackIssuer.start(t)
  server.answers = { '/x': listener }
  return `${server.issuer}/x`
}

describe('createFetchJson', () => {
  it('reads an object', async (t) => {
    assert.deepEqual(await fetchJson(await serve(t, (_, response) => response.end('{"a":1}'))), { a: 1 })
  })

  for (const status of [204, 301, 404, 500]) {
    it(`reads nothing from an answer ${status}, and goes nowhere else`, async (t) => {
      const url = await serve(t, (_, response) => response.writeHead(status, { location: '/jwks' }).end('{"a":1}'))
      assert.equal(await fetchJson(url), undefined)
    })
  }

  const BAD: readonly (readonly [string, RequestListener])[] = [
    ['too much', (_, response) => response.end(`{"a":"${'x'.repeat(1000)}"}`)],
    ['too much without end', (_, response) => void setInterval(() => response.write('x'.repeat(500)), 1).unref()],
    ['an array', (_, response) => response.end('[]')],
    ['null', (_, response) => response.end('null')],
    ['no JSON', (_, response) => response.end('<html>')],
    ['half of it', (_, response) => void response.writeHead(200, { 'content-length': 9 }).write('{}')],
    ['nothing at all', () => {}],
    ['a closed connection', (request) => request.socket.destroy()],
  ]
  for (const [what, listener] of BAD) {
    it(`rejects ${what}`, async (t) => {
      await assert.rejects(fetchJson(await serve(t, listener)))
    })
  }

  for (const url of [
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'file:///etc/passwd',
    'https://u:p@example.com/',
    'x',
  ]) {
    it(`asks nothing of ${url}`, async () => {
      await assert.rejects(fetchJson(url), TypeError)
    })
  }

  it('asks nothing of this machine over http unless it is a test', async (t) => {
    const server = await LoopbackIssuer.start(t)
    const strict = createFetchJson({ timeoutMs: 200, maxBytes: 1000, plainHttp: 'refused' })
    await assert.rejects(strict(`${server.issuer}/jwks`), TypeError)
    assert.deepEqual(server.requests, [])
  })
})
