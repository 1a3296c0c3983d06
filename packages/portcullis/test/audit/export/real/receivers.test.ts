/** AU-4: every receiver over TLS: verified or not reached, and nothing counts as delivered that it has not taken. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { eventId } from '../../../../src/audit/export/event.ts'
import { otlpSink } from '../../../../src/audit/export/otlp-sink.ts'
import { type Parcel, type Sink, SinkError } from '../../../../src/audit/export/sink.ts'
import { SyslogSink } from '../../../../src/audit/export/syslog-sink.ts'
import { webhookSink } from '../../../../src/audit/export/webhook-sink.ts'
import { systemClock } from '../../../../src/core/clock.ts'
import { Secret } from '../../../../src/core/secret.ts'
import { BODIES, recordOf } from '../../../fixtures/audit-records.ts'
import { createTestIdentity, type TestIdentity } from '../../../fixtures/certificate.ts'
import { startHttpReceiver, startSyslogReceiver } from '../../../fixtures/record-receivers.ts'

const ORIGIN = { version: '0.1.0', hostName: 'gate', pid: 1 }
const SYSLOG = {
  host: '127.0.0.1',
  facility: 13,
  enterpriseNumber: 32_473,
  acknowledgement: 'close',
  origin: ORIGIN,
} as const

let identity: TestIdentity
let stranger: TestIdentity
let expired: TestIdentity

before(async () => {
  identity = await createTestIdentity()
  stranger = await createTestIdentity()
  expired = await createTestIdentity([], { hoursAgo: 3 })
})
after(() => {
  for (const one of [identity, stranger, expired]) one.remove()
})

const parcelOf = (count = 3, padding = 0): Parcel => ({
  tenant: 'acme',
  items: Array.from({ length: count }, (_, index) => {
    const record = recordOf(BODIES['call'] as never, index + 1)
    return {
      event: { id: eventId(record), line: '', record },
      texts: [JSON.stringify({ n: index + 1, pad: 'x'.repeat(padding) })],
    }
  }),
})

interface Peer {
  readonly sink: (trusted?: TestIdentity, client?: TestIdentity) => Sink
  /** How many records have arrived. */
  readonly arrived: () => number
  readonly tries: () => number
  /** Reads nothing and says nothing. */
  readonly hang: () => void
  /** Ends the connection while it is being written to. */
  readonly cut: () => void
  readonly behave: () => void
  readonly close: () => Promise<void>
}

const soon = (ms = 400) => AbortSignal.timeout(ms)
const pem = (file: string) => readFileSync(file, 'utf8')
const tlsOf = ({ key, cert }: TestIdentity, clients?: TestIdentity) => ({
  key,
  cert,
  ...(clients && { requestCert: true, rejectUnauthorized: true, ca: pem(clients.caFile) }),
})

async function httpPeer(kind: 'otlp' | 'webhook', own: TestIdentity, clients?: TestIdentity): Promise<Peer> {
  const receiver = await startHttpReceiver(tlsOf(own, clients))
  return {
    sink(trusted = own, client?: TestIdentity) {
      const trust = { ca: pem(trusted.caFile), ...(client && { certificate: client.cert, key: client.key }) }
      const options = { url: receiver.url, ...trust, headers: { 'x-token': new Secret('t0ken') } }
      if (kind === 'otlp') return otlpSink({ ...options, origin: ORIGIN })
      return webhookSink({
        ...options,
        format: 'json',
        keys: { secrets: [new Secret(Buffer.alloc(24))] },
        clock: systemClock,
      })
    },
    arrived: () => receiver.taken.length * 3,
    tries: () => receiver.count(),
    hang: () => receiver.misbehave(() => true),
    cut: () =>
      receiver.misbehave((_, response) => {
        response.destroy()
        return true
      }),
    behave: () => receiver.misbehave(undefined),
    close: () => receiver.close(),
  }
}

async function syslogPeer(own: TestIdentity, clients?: TestIdentity): Promise<Peer> {
  const receiver = await startSyslogReceiver(tlsOf(own, clients))
  return {
    sink(trusted = own, client?: TestIdentity) {
      const trust = { ca: pem(trusted.caFile), ...(client && { certificate: client.cert, key: client.key }) }
      return new SyslogSink({ ...SYSLOG, port: receiver.port, ...trust })
    },
    arrived: () => receiver.messages.length,
    tries: () => receiver.connections(),
    hang: () => receiver.misbehave((socket) => socket.pause()),
    cut: () => receiver.misbehave((socket) => socket.once('data', () => socket.destroy())),
    behave: () => receiver.misbehave(undefined),
    close: () => receiver.close(),
  }
}

const PEERS = {
  otlp: (own: TestIdentity, clients?: TestIdentity) => httpPeer('otlp', own, clients),
  webhook: (own: TestIdentity, clients?: TestIdentity) => httpPeer('webhook', own, clients),
  syslog: syslogPeer,
}

for (const [name, open] of Object.entries(PEERS)) {
  describe(`a receiver by ${name}`, () => {
    it('takes records again and again', async (t) => {
      const peer = await open(identity)
      t.after(() => peer.close())
      const sink = peer.sink()
      t.after(() => sink.close())
      await sink.deliver(parcelOf(), soon(5_000))
      await sink.deliver(parcelOf(), soon(5_000))
      assert.equal(peer.arrived(), 6)
    })

    for (const [what, own, trusted] of [
      ['of another authority', () => identity, () => stranger],
      ['that has expired', () => expired, () => expired],
    ] as const) {
      it(`gets nothing when it shows a certificate ${what}`, async (t) => {
        const peer = await open(own())
        t.after(() => peer.close())
        const sink = peer.sink(trusted())
        t.after(() => sink.close())
        await assert.rejects(sink.deliver(parcelOf(), soon(5_000)))
        assert.equal(peer.arrived(), 0)
      })
    }

    it('sees our own certificate, and without it takes nothing', async (t) => {
      const peer = await open(identity, stranger)
      t.after(() => peer.close())
      const [unknown, known] = [peer.sink(), peer.sink(identity, stranger)]
      t.after(() => Promise.all([unknown.close(), known.close()]))
      await assert.rejects(unknown.deliver(parcelOf(), soon(5_000)))
      assert.equal(peer.arrived(), 0)
      await known.deliver(parcelOf(), soon(5_000))
      assert.equal(peer.arrived(), 3)
    })

    it('holds nobody longer than the deadline when it hangs, and is reached again afterwards', async (t) => {
      const peer = await open(identity)
      t.after(() => peer.close())
      const sink = peer.sink()
      t.after(() => sink.close())
      peer.hang()
      await assert.rejects(sink.deliver(parcelOf(), soon()))
      await sink.close()
      assert.equal(peer.arrived(), 0)
      peer.behave()
      await sink.deliver(parcelOf(), soon(5_000))
      assert.equal(peer.arrived(), 3)
    })

    it('has not taken what was on its way when the connection broke', async (t) => {
      const peer = await open(identity)
      t.after(() => peer.close())
      const sink = peer.sink()
      t.after(() => sink.close())
      peer.cut()
      await assert.rejects(sink.deliver(parcelOf(50, 50_000), soon(5_000)))
      assert(peer.tries() >= 1)
      peer.behave()
      await sink.deliver(parcelOf(), soon(5_000))
      assert.equal(peer.arrived(), 3)
    })

    it('is not there: that is told, and costs no more than the deadline', async (t) => {
      const peer = await open(identity)
      const sink = peer.sink()
      t.after(() => sink.close())
      await peer.close()
      await assert.rejects(sink.deliver(parcelOf(), soon(5_000)))
    })
  })
}

describe('a slow syslog receiver', () => {
  it('has everything once it has read it, and before that it counts as not delivered', async (t) => {
    const receiver = await startSyslogReceiver(tlsOf(identity))
    t.after(() => receiver.close())
    let bytes = 0
    receiver.misbehave((socket) => {
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        socket.pause()
        setTimeout(() => socket.resume(), 2)
      })
    })
    const sink = new SyslogSink({ ...SYSLOG, port: receiver.port, ca: pem(identity.caFile) })
    t.after(() => sink.close())
    await sink.deliver(parcelOf(40, 50_000), soon(20_000))
    assert(bytes > 40 * 50_000, `${bytes} bytes were read when it counted as delivered`)
  })

  it('by `written` keeps one connection', async (t) => {
    const receiver = await startSyslogReceiver(tlsOf(identity))
    t.after(() => receiver.close())
    const sink = new SyslogSink({
      ...SYSLOG,
      acknowledgement: 'written',
      port: receiver.port,
      ca: pem(identity.caFile),
    })
    t.after(() => sink.close())
    for (let n = 0; n < 5; n++) await sink.deliver(parcelOf(), soon(5_000))
    for (let turn = 0; turn < 500 && receiver.messages.length < 15; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5))
    assert.equal(receiver.messages.length, 15)
    assert.equal(receiver.connections(), 1)
  })

  it('is not reached under a name that its certificate does not bear', async (t) => {
    const receiver = await startSyslogReceiver(tlsOf(identity))
    t.after(() => receiver.close())
    const sinkFor = (serverName: string) =>
      new SyslogSink({ ...SYSLOG, serverName, port: receiver.port, ca: pem(identity.caFile) })
    await assert.rejects(sinkFor('siem.example').deliver(parcelOf(), soon(5_000)))
    assert.equal(receiver.messages.length, 0)
    await sinkFor('localhost').deliver(parcelOf(), soon(5_000))
    assert.equal(receiver.messages.length, 3)
  })
})

describe('answers over HTTP', () => {
  const CASES: readonly (readonly [number, boolean, string?, number?])[] = [
    [500, false],
    [503, false, '7', 7_000],
    [429, false, '9999999'],
    [429, false, 'Wed, 21 Oct 2026 07:28:00 GMT'],
    [401, false],
    [404, false],
    [302, false],
    [400, true],
    [413, true],
    [422, true],
  ]
  for (const [status, refused, retryAfter, waitMs] of CASES) {
    it(`${status} ${refused ? 'is about the record' : 'passes'}`, async (t) => {
      const receiver = await startHttpReceiver(tlsOf(identity))
      t.after(() => receiver.close())
      receiver.misbehave((_, response) => {
        response
          .writeHead(status, { ...(retryAfter && { 'retry-after': retryAfter }), location: '/elsewhere' })
          .end('why')
        return true
      })
      const sink = otlpSink({ url: receiver.url, ca: pem(identity.caFile), headers: {}, origin: ORIGIN })
      t.after(() => sink.close())
      const error = await sink.deliver(parcelOf(), soon(5_000)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      assert(error instanceof SinkError)
      assert.deepEqual([error.refused, error.retryAfterMs], [refused, waitMs])
      assert.equal(receiver.count(), 1)
    })
  }

  it('that reject some records of a collector are about the records', async (t) => {
    const receiver = await startHttpReceiver(tlsOf(identity))
    t.after(() => receiver.close())
    receiver.misbehave((_, response) => {
      response.writeHead(200).end('{"partialSuccess":{"rejectedLogRecords":"1"}}')
      return true
    })
    const sink = otlpSink({ url: receiver.url, ca: pem(identity.caFile), headers: {}, origin: ORIGIN })
    t.after(() => sink.close())
    await assert.rejects(sink.deliver(parcelOf(), soon(5_000)), (error: SinkError) => error.refused)
  })

  it('that never end are cut off', async (t) => {
    const receiver = await startHttpReceiver(tlsOf(identity))
    t.after(() => receiver.close())
    receiver.misbehave((_, response) => {
      response.writeHead(200)
      response.write('x'.repeat(100_000))
      return true
    })
    const sink = otlpSink({ url: receiver.url, ca: pem(identity.caFile), headers: {}, origin: ORIGIN })
    t.after(() => sink.close())
    await assert.rejects(sink.deliver(parcelOf(), soon(5_000)), /more than/)
  })

  it('come after the token and the signature that were sent', async (t) => {
    const peer = await startHttpReceiver(tlsOf(identity))
    t.after(() => peer.close())
    const keys = { secrets: [new Secret(Buffer.alloc(24))] }
    const headers = { authorization: new Secret('Bearer t0ken') }
    const sink = webhookSink({
      url: peer.url,
      ca: pem(identity.caFile),
      headers,
      format: 'json',
      keys,
      clock: systemClock,
    })
    t.after(() => sink.close())
    await sink.deliver(parcelOf(), soon(5_000))
    const [{ headers: got }] = peer.taken as [(typeof peer.taken)[number]]
    assert.equal(got['authorization'], 'Bearer t0ken')
    assert.match(String(got['webhook-signature']), /^v1,/)
  })
})
