import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import type { EgressAccess } from '../../../src/sandbox/access.ts'
import { Egress } from '../../../src/sandbox/egress/egress.ts'
import { StandIns } from '../../../src/sandbox/egress/stand-ins.ts'

const A = 1
const AAAA = 28

function started() {
  const accesses: EgressAccess[] = []
  let now = 0
  const unused = () => assert.fail('a query left the sandbox')
  const egress = new Egress(
    {
      mode: 'transparent',
      allow: [
        { host: 'api.example.test', ports: [443] },
        { host: '*.cdn.test', ports: [80] },
      ],
      ...{ maxBytes: 1e6, maxConnections: 4, connectTimeoutMs: 1000, idleTimeoutMs: 1000 },
    },
    { onAccess: (access) => accesses.push(access), clock: { now: () => now }, resolve: unused, dial: unused },
  )
  const pass = (milliseconds: number) => {
    now += milliseconds
  }
  return { egress, accesses, pass }
}

function query(name: string, type = A, { id = 7, flags = 0x0100, tail = Buffer.alloc(0), counts = [1, 0, 0, 0] } = {}) {
  const header = Buffer.alloc(12)
  for (const [at, value] of [id, flags, ...counts].entries()) header.writeUInt16BE(value, 2 * at)
  const labels = name === '' ? [] : name.split('.')
  const encoded = labels.flatMap((label) => [Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)])
  return Buffer.concat([header, ...encoded, Buffer.from([0, type >> 8, type & 255, 0, 1]), tail])
}

const code = (answer: Buffer | undefined) => answer!.readUInt16BE(2) & 15
const count = (answer: Buffer | undefined) => answer!.readUInt16BE(6)
const address = (answer: Buffer | undefined) => answer!.subarray(-4).join('.')

it('a name that the rules know gets an address that stands for it, always the same', () => {
  const { egress, accesses } = started()
  const answer = egress.answerDns(query('API.example.test'))!
  assert.deepEqual([answer.readUInt16BE(0), answer.readUInt16BE(2), count(answer)], [7, 0x8180, 1])
  assert.equal(address(answer), '198.18.0.1')
  // The question comes back as it was asked, for clients that check the case of its letters.
  assert.ok(answer.includes(Buffer.from('\x03API\x07example\x04test\0', 'latin1')))
  assert.equal(address(egress.answerDns(query('a.cdn.test'))), '198.18.0.2')
  assert.equal(address(egress.answerDns(query('api.example.test'))), '198.18.0.1')
  assert.deepEqual(accesses, [])
})

for (const type of [AAAA, 15, 16, 65, 255]) {
  it(`a known name has nothing of type ${type}`, () => {
    const answer = started().egress.answerDns(query('api.example.test', type))
    assert.deepEqual([code(answer), count(answer)], [0, 0])
  })
}

for (const name of [
  'evil.test',
  'cdn.test',
  'xcdn.test',
  'api.example.test.evil.test',
  'localhost',
  '',
  'a b.cdn.test',
  'é.cdn.test',
  '1.0.0.127.in-addr.arpa',
]) {
  it(`there is no name ${JSON.stringify(name)}`, () => {
    const { egress, accesses } = started()
    assert.deepEqual([code(egress.answerDns(query(name))), count(egress.answerDns(query(name, AAAA)))], [3, 0])
    assert.equal(accesses.length, 1)
    assert.deepEqual([accesses[0]!.allowed, accesses[0]!.protocol, accesses[0]!.port], [false, 'dns', 53])
  })
}

it('the same refused name is reported once a second, and not more than a hundred names', () => {
  const { egress, accesses, pass } = started()
  for (let turn = 0; turn < 50; turn++) egress.answerDns(query('evil.test'))
  assert.equal(accesses.length, 1)
  pass(1_000)
  for (let turn = 0; turn < 500; turn++) egress.answerDns(query(`x${turn}.evil.test`))
  assert.equal(accesses.length, 102)
  assert.deepEqual([accesses.at(-1)!.host, accesses.at(-1)!.reason], ['', 'many-more'])
  pass(1_000)
  egress.answerDns(query('evil.test'))
  assert.equal(accesses.length, 103)
})

it('an EDNS record is understood', () => {
  const edns = Buffer.from([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 0])
  const answer = started().egress.answerDns(query('api.example.test', A, { tail: edns, counts: [1, 0, 0, 1] }))
  assert.equal(count(answer), 1)
})

const MALFORMED: Readonly<Record<string, Buffer>> = {
  'another operation': query('api.example.test', A, { flags: 0x2800 }),
  'a part of a message': query('api.example.test', A, { flags: 0x0200 }),
  'no question': query('api.example.test', A, { counts: [0, 0, 0, 0] }),
  'two questions': query('api.example.test', A, { counts: [2, 0, 0, 0] }),
  'an answer in it': query('api.example.test', A, { counts: [1, 1, 0, 0] }),
  'bytes at its end': query('api.example.test', A, { tail: Buffer.from([0]) }),
  'a record that is missing': query('api.example.test', A, { counts: [1, 0, 0, 1] }),
  'a record that is not EDNS': query('api.example.test', A, { tail: Buffer.alloc(11), counts: [1, 0, 0, 1] }),
  'a class that is not IN': Buffer.concat([query('api.example.test').subarray(0, -1), Buffer.from([3])]),
  'a name that ends too early': query('api.example.test').subarray(0, 20),
  'a pointer for a name': Buffer.concat([query('').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]),
  'a dot in a label': Buffer.concat([
    query('').subarray(0, 12),
    Buffer.from('\x05a.cdn\x04test\0\0\x01\0\x01', 'latin1'),
  ]),
  'a name that is too long': query(`${'a'.repeat(63)}.`.repeat(4) + 'cdn.test'),
}

for (const [title, message] of Object.entries(MALFORMED)) {
  it(`a query with ${title} is a format error`, () => {
    const { egress, accesses } = started()
    const answer = egress.answerDns(message)!
    assert.deepEqual([answer.length, code(answer), accesses], [12, 1, []])
  })
}

it('an answer is never answered, nor is what has no room for an id', () => {
  const { egress } = started()
  assert.equal(egress.answerDns(query('api.example.test', A, { flags: 0x8180 })), undefined)
  assert.equal(egress.answerDns(Buffer.alloc(11)), undefined)
})

it('any message is answered by a short one or by none', () => {
  const { egress } = started()
  const good = query('api.example.test')
  const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const bytes = Buffer.from(good)
    bytes[at] = byte
    return bytes
  })
  const any = fc.uint8Array({ maxLength: 512 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(any, changed), (message) => {
      const answer = egress.answerDns(message)
      if (answer === undefined) return
      assert.equal(answer.readUInt16BE(0), message.readUInt16BE(0))
      assert.ok(answer.length <= message.length + 16)
      assert.ok((answer.readUInt16BE(2) & 0x8000) !== 0)
    }),
    { numRuns: 2_000 },
  )
})

it('there are stand-ins for four thousand names, each another, and none of them is ever given away twice', () => {
  const standIns = new StandIns()
  const addresses = new Set(Array.from({ length: 4_096 }, (_, at) => standIns.addressOf(`n${at}.cdn.test`)))
  assert.equal(addresses.size, 4_096)
  assert.ok([...addresses].every((each) => /^198\.1[89](?:\.\d{1,3}){2}$/.test(each!)))
  assert.equal(standIns.addressOf('one-more.cdn.test'), undefined)
  assert.equal(standIns.nameOf(standIns.addressOf('n300.cdn.test')!), 'n300.cdn.test')
  assert.equal(standIns.nameOf('198.19.255.255'), undefined)
})

it('when the stand-ins are used up, a new name fails and is reported', () => {
  const { egress, accesses } = started()
  for (let at = 0; at < 4_096; at++) egress.answerDns(query(`n${at}.cdn.test`))
  assert.equal(code(egress.answerDns(query('one-more.cdn.test'))), 2)
  assert.deepEqual(
    accesses.map(({ reason }) => reason),
    ['names'],
  )
})
