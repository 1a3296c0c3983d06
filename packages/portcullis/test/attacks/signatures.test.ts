/** CO-4: whoever changes, repeats, borrows or leaves out a signature is refused by the running gateway, and no upstream hears of it. */
import assert from 'node:assert/strict'
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { send, type Reply } from '../fixtures/client.ts'
import {
  type Prepared,
  SHARED_SECRET,
  type SigningGateway,
  type SigningOptions,
  startSigning,
} from '../fixtures/signing-gateway.ts'

let running: SigningGateway

before(async () => {
  running = await startSigning()
})
after(() => running.close())

const now = () => Math.floor(Date.now() / 1_000)

/** Refused, with a sentence that tells nothing, an incident, what to sign, and no request at the upstream. */
async function assertRefused(work: () => Promise<Reply>, code = 'signature.refused'): Promise<Reply> {
  const earlier = running.upstream.count()
  const reply = await work()
  assert.equal(reply.status, 403, reply.text)
  const says =
    code === 'signature.required' ? 'This request has to be signed.' : 'The signature of this request is not good.'
  assert.equal(reply.json.error.message, says)
  assert.equal(reply.json.error.data.code, code)
  assert.match(reply.json.error.data.incident, /^[0-9a-f-]{36}$/)
  assert.match(
    String(reply.headers['accept-signature']),
    /^mcp=\("@method" "@target-uri".*\);created;nonce="[^"]{24}";tag="mcp"$/,
  )
  assert.equal(running.upstream.count(), earlier, 'the upstream has seen nothing')
  return reply
}

test('a signed request passes, once', async () => {
  const prepared = running.prepare()
  const earlier = running.upstream.count()
  const reply = await running.deliver(prepared)
  assert.equal(reply.status, 200, reply.text)
  assert.equal(running.upstream.count(), earlier + 1)
  await assertRefused(() => running.deliver(prepared))
})

test('a large request, which comes in many pieces, and a shared secret are as good', async () => {
  const large = { name: 'echo', arguments: { text: 'x'.repeat(200_000) } }
  assert.equal((await running.deliver(running.prepare({ params: large }))).status, 200)
  const prepared = running.prepare({ params: large })
  await assertRefused(() => running.deliver(prepared, { body: String(prepared.request.body).replace('xx', 'xy') }))
  const sign = (base: Buffer) => createHmac('sha256', SHARED_SECRET).update(base).digest()
  const shared = (how: object) =>
    running.deliver(running.prepare({ token: running.tokens.carol, how: { keyId: 'carol', ...how } }))
  assert.equal((await shared({ sign, algorithm: 'hmac-sha256' })).status, 200)
  await assertRefused(() => shared({ sign: hmacWithPublicKey }))
  await assertRefused(() => shared({ algorithm: 'ed25519' }))
})

test('a key that cannot be used keeps the gateway from starting, and says which one', async () => {
  const keys = [{ id: 'x', algorithm: 'ed25519', publicKey: 'alice.key', principal: 'p' }]
  const found = /identity\.signatures\.keys\[0\]: the key x is a private key/
  await assert.rejects(startSigning({ signatures: { keys } }), found)
  await assert.rejects(
    startSigning({ signatures: { answers: { id: 'g', algorithm: 'rsa-pss-sha512', key: { file: 'gateway.key' } } } }),
    /identity\.signatures\.answers: the key g is no RSA key/,
  )
})

test('nothing of the signature goes on to the upstream', async () => {
  await running.deliver(running.prepare())
  const { headers } = running.upstream.seen.at(-1) as (typeof running.upstream.seen)[number]
  for (const name of ['signature', 'signature-input', 'content-digest', 'accept-signature'])
    assert.equal(headers[name], undefined)
})

test('of 64 that send the same at once exactly one passes', async () => {
  const prepared = running.prepare()
  const earlier = running.upstream.count()
  const replies = await Promise.all(Array.from({ length: 64 }, () => running.deliver(prepared)))
  const statuses = replies.map(({ status }) => status).toSorted((a, b) => a - b)
  assert.deepEqual(statuses, [200, ...Array.from({ length: 63 }, () => 403)])
  assert.equal(running.upstream.count(), earlier + 1)
})

describe('a request is not what was signed', () => {
  const changes: readonly (readonly [
    what: string,
    change: (prepared: Prepared) => Parameters<SigningGateway['deliver']>[1],
  ])[] = [
    ['its body', ({ request }) => ({ body: String(request.body).replace('hello', 'other') })],
    ['its body and digest', ({ request, signed }) => changedBody(request, signed)],
    ['its query', ({ request }) => ({ url: `${request.url}?more=1` })],
    ['its path', ({ request }) => ({ url: request.url.replace('/mcp/one', '/mcp') })],
    ['its token', () => ({ headers: { authorization: `Bearer ${running.tokens.bob}` } })],
    ['its tenant', () => ({ headers: { authorization: `Bearer ${running.tokens.mallory}` } })],
    ['a header of MCP more', () => ({ headers: { 'mcp-param-extra': '1' } })],
    ['another header of MCP', () => ({ headers: { 'mcp-name': 'other' } })],
    ['its type', () => ({ headers: { 'content-type': 'application/json; charset=utf-8' } })],
    ['its host', () => ({ headers: { host: `localhost:${new URL(running.gateway.origin).port}` } })],
    ['no digest any more', () => ({ headers: { 'content-digest': 'sha-256=:AAAA:' } })],
    [
      'another label',
      ({ signed }) => ({ headers: { signature: String(signed.headers['signature']).replace('mcp=', 'x=') } }),
    ],
    [
      'another nonce',
      ({ signed }) => ({ headers: { 'signature-input': swap(signed, /nonce="[^"]+"/, `nonce="${'n'.repeat(24)}"`) } }),
    ],
    [
      'a later time',
      ({ signed }) => ({ headers: { 'signature-input': swap(signed, /created=\d+/, `created=${now() + 2}`) } }),
    ],
    ['no tag any more', ({ signed }) => ({ headers: { 'signature-input': swap(signed, /;tag=.*$/, '') } })],
    ['half of a signature', () => ({ headers: { 'signature-input': undefined } })],
    ['nothing that can be read', () => ({ headers: { signature: '???' } })],
  ]
  for (const [what, change] of changes) {
    test(what, async () => {
      const prepared = running.prepare()
      await assertRefused(() => running.deliver(prepared, change(prepared)))
      assert.equal((await running.deliver(prepared)).status, 200, 'what was signed is still good')
    })
  }
})

function changedBody(request: Prepared['request'], signed: Prepared['signed']) {
  const body = String(request.body).replace('hello', 'other')
  const forged = running.prepare({ params: { name: 'echo', arguments: { text: 'other' } } })
  return { body, headers: { ...signed.headers, 'content-digest': forged.signed.headers['content-digest'] } }
}

const swap = (signed: Prepared['signed'], from: RegExp, to: string): string =>
  String(signed.headers['signature-input']).replace(from, to)

describe('a signature that is good for less than the request', () => {
  const refused: readonly (readonly [what: string, options: () => SigningOptions])[] = [
    ['too old', () => ({ how: { created: now() - 120 } })],
    ['from the future', () => ({ how: { created: now() + 60 } })],
    ['expired', () => ({ how: { created: now() - 10, expires: now() - 5 } })],
    ['expired before it was made', () => ({ how: { created: now(), expires: now() - 100 } })],
    ['with a short nonce', () => ({ how: { nonce: 'short' } })],
    ['with an unknown key', () => ({ how: { keyId: 'nobody' } })],
    ['with the key of somebody else', () => ({ how: { privateKey: running.keys.mallory.privateKey } })],
    [
      'by the owner of a key of another tenant',
      () => ({ how: { privateKey: running.keys.mallory.privateKey }, by: 'alice' }),
    ],
    ['for another caller', () => ({ token: running.tokens.bob })],
    ['with an algorithm that is not that of the key', () => ({ how: { algorithm: 'rsa-pss-sha512' } })],
    ['without the method', () => ({ how: { covered: withoutPart('@method') } })],
    ['without the target', () => ({ how: { covered: withoutPart('@target-uri') } })],
    ['with only a part of the target', () => ({ how: { covered: [...withoutPart('@target-uri'), '@path'] } })],
    ['without the body', () => ({ how: { covered: withoutPart('content-digest') } })],
    ['without the token', () => ({ how: { covered: withoutPart('authorization') } })],
    ['without a header of MCP', () => ({ how: { covered: withoutPart('mcp-name') } })],
    ['with a part that only looks like a header', () => ({ how: { covered: [...PARTS, 'constructor'] } })],
    ['of nothing', () => ({ how: { covered: [] } })],
    ['with the public key as a shared secret', () => ({ how: { algorithm: 'hmac-sha256', sign: hmacWithPublicKey } })],
    ['the same without saying so', () => ({ how: { sign: hmacWithPublicKey } })],
    ['with a shared secret under the name of a public key', () => ({ how: { keyId: 'carol' } })],
  ]
  for (const [what, options] of refused) {
    test(what, async () => {
      await assertRefused(() => running.deliver(running.prepare(options())))
    })
  }

  test('whoever covers each part of the target has covered the target', async () => {
    const covered = [...withoutPart('@target-uri'), '@authority', '@path', '@query']
    assert.equal((await running.deliver(running.prepare({ how: { covered } }))).status, 200)
  })
})

const PARTS = [
  '@method',
  '@target-uri',
  'content-digest',
  'authorization',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
]
const withoutPart = (name: string) => PARTS.filter((one) => one !== name)

function hmacWithPublicKey(base: Buffer): Buffer {
  const pem = running.keys.alice.publicKey.export({ type: 'spki', format: 'pem' })
  return createHmac('sha256', pem).update(base).digest()
}

test('no signature where one is demanded opens neither the upstream nor the aggregate, whoever calls', async () => {
  for (const path of ['/mcp/one', '/mcp']) {
    for (const token of [running.tokens.alice, running.tokens.bob]) {
      const { request } = running.prepare({ url: running.gateway.origin + path })
      await assertRefused(
        () => send(running.gateway, request.body, { url: request.url, token, headers: modernHeaders(request) }),
        'signature.required',
      )
    }
  }
})

test('a signature for another program is none', async () => {
  await assertRefused(() => running.deliver(running.prepare({ how: { tag: 'proxy' } })), 'signature.required')
})

test('a signature of a proxy beside that of the caller does no harm, and a second one for us is refused', async () => {
  const beside = (tag: string) => {
    const { request, signed } = running.prepare()
    const other = running.prepare({
      how: { tag, label: 'other', privateKey: generateKeyPairSync('ed25519').privateKey },
    })
    const joined = ['signature', 'signature-input'].map((name) => [
      name,
      `${signed.headers[name]}, ${other.signed.headers[name]}`,
    ])
    return running.deliver({ request, signed }, { headers: Object.fromEntries(joined) })
  }
  assert.equal((await beside('proxy')).status, 200)
  await assertRefused(() => beside('mcp'))
})

test('a stream, and the end of a session, need a signature of their own', async () => {
  for (const method of ['GET', 'DELETE']) {
    const headers = { 'mcp-session-id': 'x', 'mcp-protocol-version': '2025-11-25' }
    await assertRefused(
      () => send(running.gateway, undefined, { method, token: running.tokens.alice, headers }),
      'signature.required',
    )
  }
})

test('whoever may not sign in is told nothing of signatures', async () => {
  const reply = await running.deliver(running.prepare(), {
    headers: { authorization: `Bearer ${randomBytes(8).toString('hex')}` },
  })
  assert.equal(reply.status, 401)
  assert.equal(reply.headers['accept-signature'], undefined)
})

function modernHeaders({ headers }: Prepared['request']): Record<string, string> {
  const { authorization, ...others } = headers
  return others
}
