/** AU-4: each format is read back by a parser of its own, whatever callers have put into names. */
import assert from 'node:assert/strict'
import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { eventId, type ExportEvent, signatureOf } from '../../../src/audit/export/event.ts'
import { cefFormat } from '../../../src/audit/export/format-cef.ts'
import { formatJson } from '../../../src/audit/export/format-json.ts'
import { ocsfFormat } from '../../../src/audit/export/format-ocsf.ts'
import { otlpRecord, otlpRequest, rejectedRecords } from '../../../src/audit/export/otlp-record.ts'
import { octetCounted, syslogMessage } from '../../../src/audit/export/syslog-message.ts'
import { webhookMessage, webhookSecret, webhookSigningKey } from '../../../src/audit/export/webhook-message.ts'
import type { RecordBody } from '../../../src/audit/record.ts'
import { RECORD_KINDS } from '../../../src/audit/tail.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { Secret } from '../../../src/core/secret.ts'
import { BODIES, CALL_BODY, recordOf } from '../../fixtures/audit-records.ts'
import { OCSF_CLASSES, OCSF_OBJECTS, type OcsfRules } from '../../fixtures/ocsf-1.5.ts'

const ORIGIN = { version: '0.1.0', hostName: 'gate.example', pid: 42 }
const RULES = { facility: 13, enterpriseNumber: 32_473 }

const eventOf = (body: RecordBody): ExportEvent => {
  const record = recordOf(body)
  return { id: eventId(record), line: JSON.stringify(record), record, call: CALL_BODY }
}

/** What is wrong with an object by the rules of its class; empty when nothing is. */
function problemsOf(value: Readonly<Record<string, unknown>>, rules: OcsfRules, at = ''): readonly string[] {
  const { required, atLeastOne, enums = {}, objects = {} } = rules
  const missing = required.filter((name) => value[name] === undefined).map((name) => `${at}.${name} is missing`)
  const some = atLeastOne?.some((name) => value[name] !== undefined) ?? true
  const wrong = Object.entries(enums).flatMap(([name, known]) => {
    const number = value[name]
    return number === undefined || [0, 99, ...known].includes(number as number)
      ? []
      : [`${at}.${name} is ${String(number)}`]
  })
  const inner = Object.entries(objects).flatMap(([name, kind]) =>
    [value[name] ?? []]
      .flat()
      .flatMap((one) => problemsOf(one as Record<string, unknown>, OCSF_OBJECTS[kind] as OcsfRules, `${at}.${name}`)),
  )
  return [...missing, ...(some ? [] : [`${at} has none of ${String(atLeastOne)}`]), ...wrong, ...inner]
}

describe('OCSF', () => {
  for (const [name, body] of Object.entries(BODIES)) {
    it(`tells of "${name}" as its class demands`, () => {
      for (const text of ocsfFormat(ORIGIN)(eventOf(body))) {
        const event = JSON.parse(text)
        const rules = OCSF_CLASSES[event.class_uid]
        assert(rules, `there is no class ${event.class_uid}`)
        assert.deepEqual(problemsOf(event, rules), [])
        assert.equal(event.type_uid, event.class_uid * 100 + event.activity_id)
        assert.equal(event.category_uid, Math.floor(event.class_uid / 1000))
        assert.equal(event.metadata.version, '1.5.0')
        assert.equal(event.time, 1_700_000_000_123)
        assert.equal(event.unmapped.hash, 'e'.repeat(64))
      }
    })
  }

  const CLASSES: readonly (readonly [string, number, number, number?])[] = [
    ['call', 6003, 99],
    ['reading', 6003, 2],
    ['answered', 6003, 99, 1],
    ['tool error', 6003, 99, 2],
    ['denied', 6003, 99, 2],
    ['not signed in', 3002, 1, 2],
    ['session ended', 3002, 2],
    ['accepted', 3003, 1, 1],
    ['user created', 3001, 1],
    ['key created', 3004, 1],
    ['key revoked', 3004, 4],
    ['reached', 4001, 6],
    ['not reached', 4001, 5, 2],
    ['file created', 1001, 1],
    ['file removed', 1001, 4],
    ['started', 1007, 1],
    ['ended', 1007, 2],
    ['alert', 2004, 1],
    ['start', 6002, 3],
    ['checkpoint', 0, 99],
  ]
  for (const [name, uid, activity, status] of CLASSES) {
    it(`puts "${name}" into class ${uid}, activity ${activity}`, () => {
      const event = JSON.parse(ocsfFormat(ORIGIN)(eventOf(BODIES[name] as RecordBody))[0] as string)
      assert.deepEqual([event.class_uid, event.activity_id], [uid, activity])
      if (status !== undefined) assert.equal(event.status_id, status)
    })
  }

  it('gives an outcome the principal and the tool of its call', () => {
    const [text = ''] = ocsfFormat(ORIGIN)(eventOf(BODIES['answered'] as RecordBody))
    const { actor, resources, src_endpoint: source } = JSON.parse(text)
    assert.equal(actor.user.uid, 'key:ab')
    assert.equal(resources[0].name, 'read')
    assert.equal(source.ip, '192.0.2.7')
  })

  it('tells of what was found by a finding beside the event, with an id of its own', () => {
    const [event = '', finding = '', ...more] = ocsfFormat(ORIGIN)(eventOf(BODIES['call with findings'] as RecordBody))
    assert.equal(more.length, 0)
    const found = JSON.parse(finding)
    assert.equal(found.class_uid, 2004)
    assert.equal(found.evidences.length, 2)
    assert.equal(found.severity_id, 4)
    assert.notEqual(found.metadata.uid, JSON.parse(event).metadata.uid)
  })
})

/** A reader of CEF that knows nothing of the writer. */
function readCef(text: string): { header: string[]; extension: Record<string, string> } {
  assert.doesNotMatch(text, /[\r\n]/)
  const header: string[] = []
  let field = ''
  let at = 0
  for (; header.length < 7; at++) {
    assert(at < text.length, `a header of ${header.length} fields`)
    if (text[at] === '\\') field += text[++at]
    else if (text[at] === '|') {
      header.push(field)
      field = ''
    } else field += text[at]
  }
  const extension: Record<string, string> = {}
  const rest = text.slice(at)
  const keys = [...rest.matchAll(/(?:^| )([A-Za-z0-9]+)=/g)]
  for (const [number, key] of keys.entries()) {
    const value = rest.slice(key.index + key[0].length, keys[number + 1]?.index)
    extension[key[1] as string] = value.replace(/\\(.)/g, (_, one: string) => ({ n: '\n', r: '\r' })[one] ?? one)
  }
  return { header, extension }
}

/** Text as strangers write it; an equals sign behind a word looks like a key. */
const nasty = fc.string({
  unit: fc.constantFrom('a', ' ', '=', '|', '\\', '"', ']', '[', '\n', '\r', 'é', '😀', '%', '\u0000'),
})

/** Tenant, number and the beginning of the hash: after a restore another record may have the same number. */
const ID = `acme:7:${'e'.repeat(16)}`

const plain = (text: string): string => text.replaceAll('\u0000', ' ')

describe('CEF', () => {
  it('holds nothing that a terminal obeys or that some receiver takes for the end of a line', () => {
    const name = 'a\u001b[2Jb\u0085c\u2028d\u009be\tf'
    const [text = ''] = cefFormat(ORIGIN)(eventOf({ ...CALL_BODY, target: { kind: 'tool', name } }))
    // oxlint-disable-next-line no-control-regex -- none of them may be there
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
    assert.equal(readCef(text).extension['cs1'], 'a [2Jb c d e f')
  })

  it('is read back for every record', () => {
    for (const body of Object.values(BODIES)) {
      const [text = ''] = cefFormat(ORIGIN)(eventOf(body))
      const { header, extension } = readCef(text)
      assert.deepEqual(header.slice(0, 4), ['CEF:0', 'Portcullis', 'Portcullis', '0.1.0'])
      assert.equal(header[4], signatureOf(recordOf(body)))
      assert.match(header[6] as string, /^(?:10|\d)$/)
      assert.equal(extension['externalId'], ID)
      assert.equal(extension['rt'], '1700000000123')
    }
  })

  it('is read back whatever the names are', () => {
    const property = fc.property(nasty, nasty, (name, upstream) => {
      const [text = ''] = cefFormat(ORIGIN)(eventOf({ ...CALL_BODY, upstream, target: { kind: 'tool', name } }))
      const { header, extension } = readCef(text)
      assert.equal(
        header[5],
        `call tools/call${name === '' ? '' : ` ${name}`} at ${upstream}`
          .replace(/[\r\n]+/g, ' ')
          .replaceAll('\u0000', ' '),
      )
      assert.equal(extension['cs1'], plain(name))
      assert.equal(extension['destinationServiceName'], plain(upstream))
    })
    fc.assert(property, { numRuns: 300 })
  })
})

/** A reader of RFC 5424 after its ABNF. */
function readSyslog(message: string) {
  const head =
    /^<(\d{1,3})>1 (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) \[([^ =\]"]{1,32})((?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*)\] ([^]*)$/.exec(
      message,
    )
  assert(head, message)
  const [, priority, timestamp, host, app, pid, msgid, id, parameters = '', text] = head
  const values = [...parameters.matchAll(/ ([^ =\]"]+)="((?:[^"\\\]]|\\["\\\]])*)"/g)].map(([, name, value = '']) => [
    name,
    value.replace(/\\(["\\\]])/g, '$1'),
  ])
  return { priority: Number(priority), timestamp, host, app, pid, msgid, id, data: Object.fromEntries(values), text }
}

describe('RFC 5424', () => {
  it('is read back for every record', () => {
    for (const body of Object.values(BODIES)) {
      const event = eventOf(body)
      const read = readSyslog(syslogMessage(event, 'text', ORIGIN, RULES))
      assert.equal(Math.floor(read.priority / 8), 13)
      assert.equal(read.timestamp, '2023-11-14T22:13:20.123Z')
      assert.deepEqual(
        [read.host, read.app, read.pid, read.id, read.text],
        ['gate.example', 'portcullis', '42', 'portcullis@32473', 'text'],
      )
      assert.equal(read.data.id, ID)
    }
  })

  it('is read back whatever the names are, control characters aside', () => {
    const property = fc.property(nasty, nasty, (name, hostName) => {
      const event = eventOf({ ...CALL_BODY, target: { kind: 'tool', name } })
      const read = readSyslog(syslogMessage(event, 'text', { ...ORIGIN, hostName }, RULES))
      // oxlint-disable-next-line no-control-regex -- a line end would end the message for many receivers
      assert.equal(read.data.target, name.replace(/[\u0000-\u001f]/g, ' '))
    })
    fc.assert(property, { numRuns: 300 })
  })

  it('is counted in octets, not in characters', () => {
    assert.equal(octetCounted('é😀'), '6 é😀')
  })
})

describe('OTLP', () => {
  it('is a request of log records with numbers of 64 bits as strings', () => {
    const event = eventOf(BODIES['denied'] as RecordBody)
    const request = JSON.parse(otlpRequest([otlpRecord(event, 'text')], ORIGIN))
    const [{ resource, scopeLogs }] = request.resourceLogs
    const [record] = scopeLogs[0].logRecords
    assert(
      resource.attributes.some(
        ({ key, value }: { key: string; value: { intValue?: string } }) =>
          key === 'process.pid' && value.intValue === '42',
      ),
    )
    assert.equal(record.timeUnixNano, '1700000000123000000')
    assert.equal(record.body.stringValue, 'text')
    assert.equal(record.severityNumber, 17)
    const attributes = new Map(
      record.attributes.map((one: { key: string; value: { stringValue: string } }) => [one.key, one.value.stringValue]),
    )
    assert.equal(attributes.get('portcullis.record.id'), ID)
    assert.equal(attributes.get('gen_ai.tool.name'), 'write')
  })

  it('reads how many records a collector has rejected', () => {
    assert.equal(rejectedRecords('{"partialSuccess":{"rejectedLogRecords":"2"}}'), 2)
    for (const answer of ['', '{}', '\n\u0001', '{"partialSuccess":{}}']) assert.equal(rejectedRecords(answer), 0)
  })
})

describe('webhooks', () => {
  const items = ['call', 'answered'].map((name) => ({ event: eventOf(BODIES[name] as RecordBody), texts: ['{"a":1}'] }))
  const parcel = { tenant: 'acme', items }
  const secrets = [Buffer.alloc(24, 1), Buffer.alloc(32, 2)]
  const { privateKey } = generateKeyPairSync('ed25519')
  const keys = { secrets: secrets.map((secret) => new Secret(secret)), signingKey: new Secret(privateKey) }

  it('are signed so that a receiver can verify id, time and body', () => {
    const { body, headers } = webhookMessage(parcel, 'json', keys, 1_700_000_000_999)
    assert.equal(headers['webhook-timestamp'], '1700000000')
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const [one, two, own = ''] = (headers['webhook-signature'] ?? '').split(' ')
    const expected = secrets.map((secret) => `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`)
    assert.deepEqual([one, two], expected)
    const signature = Buffer.from(own.replace('v1a,', ''), 'base64')
    assert(verify(null, Buffer.from(signed), createPublicKey(privateKey), signature))
    assert(!verify(null, Buffer.from(`${signed} `), createPublicKey(privateKey), signature))
    assert.deepEqual(JSON.parse(body).data.records, [{ a: 1 }, { a: 1 }])
  })

  it('bear the same id when they are sent again, and another for other records', () => {
    const idAt = (at: number, sent = parcel) => webhookMessage(sent, 'json', keys, at).headers['webhook-id']
    assert.equal(idAt(1_000), idAt(99_000))
    assert.notEqual(idAt(1_000), idAt(1_000, { ...parcel, items: items.slice(0, 1) }))
    assert.doesNotMatch(idAt(1_000) as string, /\./)
  })

  it('carry CEF as strings', () => {
    const { body } = webhookMessage(
      { ...parcel, items: [{ ...items[0], texts: ['CEF:0|"|'] } as never] },
      'cef',
      keys,
      0,
    )
    assert.deepEqual(JSON.parse(body).data.records, ['CEF:0|"|'])
  })

  it('take no secret that is short, of another form, or another kind of key', () => {
    assert.equal(webhookSecret(`whsec_${Buffer.alloc(24).toString('base64')}`)?.length, 24)
    for (const text of [
      '',
      'secret',
      Buffer.alloc(32).toString('base64'),
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      `whsec_${Buffer.alloc(65).toString('base64')}`,
      'whsec_%%%%',
    ])
      assert.equal(webhookSecret(text), undefined)
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    assert.equal(webhookSigningKey(rsa.toString()), undefined)
    assert.equal(webhookSigningKey('text'), undefined)
  })
})

describe('JSON lines', () => {
  it('are the lines of the chain as they stand', () => {
    const event = { ...eventOf(CALL_BODY), line: '{"as":"it stands"}' }
    assert.deepEqual(formatJson(event), ['{"as":"it stands"}'])
  })
})

describe('the configuration of exporters', () => {
  it('knows every kind of record', () => {
    const config = (kind: string) => ({ version: 1, state: 's', exporters: { a: { kinds: [kind], stdout: {} } } })
    for (const kind of RECORD_KINDS) assert(configSchema.safeParse(config(kind)).success, kind)
    assert(!configSchema.safeParse(config('other')).success)
  })
})
