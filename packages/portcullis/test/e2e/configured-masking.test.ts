/** DP-2: each word of `masking` at each of the places where it can be said, in arguments and in results. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SENSITIVE_KINDS } from '../../src/core/recognise/kinds.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScripted } from '../fixtures/scripted-upstream.ts'

/** A member for each kind; some have no form of their own and are known by its name. */
const ROW = {
  value_of_secret: ['ghp', 'R7tYq2Lm9ZxKc4VbN8wPd3HsJf6GaTeUoi1Q'].join('_'),
  value_of_card: '4111 1111 1111 1111',
  value_of_iban: 'DE89 3704 0044 0532 0130 00',
  'value_of_national-id': '536-90-4399',
  value_of_email: 'jane.roe@mail.example.org',
  value_of_phone: '+49 30 901820',
  value_of_ip: '198.51.100.7',
  last_name: 'Roe',
  street: 'Lange Strasse 17',
  date_of_birth: '1980-01-02',
} as const
const MEMBERS: Readonly<Record<(typeof SENSITIVE_KINDS)[number], keyof typeof ROW>> = {
  secret: 'value_of_secret',
  card: 'value_of_card',
  iban: 'value_of_iban',
  'national-id': 'value_of_national-id',
  email: 'value_of_email',
  phone: 'value_of_phone',
  ip: 'value_of_ip',
  name: 'last_name',
  address: 'street',
  'birth-date': 'date_of_birth',
}
const FURTHER = { diagnosis: 'measles', remark: 'likes tea' }
const USUAL = { ...ROW, ...FURTHER }

type Side = 'arguments' | 'results'
type Said = 'mask' | 'remove' | 'keep' | 'tokenise'

/** The places from the farthest to the nearest, each with a word of its own. */
const PLACES = {
  'of all': 'mask',
  'of an upstream': 'remove',
  'of a tool': 'keep',
  'of a tenant': 'tokenise',
} as const satisfies Readonly<Record<string, Said>>
type Place = keyof typeof PLACES

/** The upstream and the tool by which a call is made to which just that place is the nearest. */
const CALLED: Readonly<Record<Place, readonly [upstream: string, tool: string]>> = {
  'of all': ['far', 'say'],
  'of an upstream': ['near', 'say'],
  'of a tool': ['near', 'tell'],
  'of a tenant': ['near', 'tell'],
}

/** Which keys say it, for all kinds or for one. */
const WORDS: Readonly<Record<string, (word: Said) => object>> = {
  kinds: (word) => ({ kinds: Object.fromEntries(SENSITIVE_KINDS.map((kind) => [kind, word])) }),
  'secrets and personal': (word) => ({ secrets: word, personal: word }),
  'fields and paths': (word) => ({ fields: { diagnosis: word }, paths: { '/remark': word } }),
}

const TOKEN = /^«[\w-]+:\d+\.[\w-]+»$/

/** What has become of a value. */
function fate(was: string, is: unknown): Said | 'lost' {
  if (is === was) return 'keep'
  if (typeof is !== 'string') return 'lost'
  if (TOKEN.test(is)) return 'tokenise'
  return is.endsWith('removed]') ? 'remove' : 'mask'
}

for (const [about, said] of Object.entries(WORDS)) {
  describe(`masking by ${about}`, () => {
    let upstream: ScriptedUpstream
    let gateway: TestGateway
    let tenant: string

    before(async () => {
      const properties = Object.fromEntries(Object.keys(USUAL).map((name) => [name, { type: 'string' }]))
      const tool = (name: string) => ({ name, description: 'Says.', inputSchema: { type: 'object', properties } })
      upstream = await startScripted('modern', [tool('say'), tool('tell')])
      const levels = (place: Place) => ({ arguments: said(PLACES[place]), results: said(PLACES[place]) })
      const http = { url: upstream.url, plaintext: 'loopback-only' }
      const usual = { upstreams: ['far', 'near'] }
      gateway = await startTestGateway({
        upstreams: [],
        config: {
          masking: levels('of all'),
          tenants: { default: usual, acme: { ...usual, masking: levels('of a tenant') } },
          upstreams: {
            far: { trust: 'trusted', http },
            near: {
              trust: 'trusted',
              http,
              masking: { ...levels('of an upstream'), tools: { tell: levels('of a tool') } },
            },
          },
        },
      })
      tenant = await gateway.issue(['admin'], { tenant: 'acme' })
    })
    after(async () => {
      await gateway?.close()
      await upstream?.close()
    })

    /** What the upstream and the caller get of the row. */
    async function told(place: Place): Promise<Readonly<Record<Side, Readonly<Record<string, unknown>>>>> {
      const [name, tool] = CALLED[place]
      upstream.answer({ result: { content: [], structuredContent: USUAL } })
      const token = place === 'of a tenant' ? tenant : gateway.token
      const { json, text } = await callTool(gateway, tool, USUAL, { token, url: gateway.endpoint(name) })
      assert.ok(json.result?.structuredContent, text)
      return { arguments: upstream.asked.at(-1) ?? {}, results: json.result.structuredContent }
    }

    for (const place of Object.keys(PLACES) as Place[]) {
      test(`${place}: arguments and results are what it says, member by member`, async () => {
        const all = await told(place)
        const word = PLACES[place]
        const expected = expectedBy(about, word)
        for (const side of ['arguments', 'results'] as const) {
          const fates = Object.entries(USUAL).map(([member, was]) => [member, fate(was, all[side][member])])
          assert.deepEqual(Object.fromEntries(fates), expected, side)
        }
      })
    }
  })
}

/** By member. Addresses of machines are no part of `personal`; what is masked as a whole has no shape but goes. */
function expectedBy(about: string, word: Said): Readonly<Record<string, Said>> {
  const members = Object.keys(USUAL)
  const meant = {
    kinds: new Set<string>(Object.values(MEMBERS)),
    'secrets and personal': new Set<string>(Object.values(MEMBERS).filter((member) => member !== 'value_of_ip')),
    'fields and paths': new Set<string>(Object.keys(FURTHER)),
  }[about]
  return Object.fromEntries(members.map((member) => [member, meant?.has(member) === true ? word : 'keep']))
}

describe('the last digits and what tokens stand for', () => {
  const CARD = ROW.value_of_card
  let upstream: ScriptedUpstream
  let gateway: TestGateway
  let tenant: string

  before(async () => {
    const tool = (name: string) => ({
      ...{ name, description: 'Says.' },
      inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
    })
    upstream = await startScripted('modern', [tool('say'), tool('tell')])
    const http = { url: upstream.url, plaintext: 'loopback-only' }
    const last = (keepLast: number) => ({ arguments: { keepLast }, results: { keepLast } })
    const masked = (keepLast: number) => {
      const level = { personal: 'mask', keepLast }
      return { arguments: level, results: level }
    }
    const usual = { upstreams: ['far', 'near', 'closed', 'open'] }
    gateway = await startTestGateway({
      upstreams: [],
      config: {
        masking: { ...masked(1), restore: false },
        tenants: { default: usual, acme: { ...usual, masking: last(0) } },
        upstreams: {
          far: { trust: 'trusted', http },
          near: { trust: 'trusted', http, masking: { ...last(2), tools: { tell: last(3) } } },
          closed: { trust: 'trusted', http, masking: { results: { personal: 'tokenise' } } },
          open: { trust: 'trusted', http, masking: { results: { personal: 'tokenise' }, restore: true } },
        },
      },
    })
    tenant = await gateway.issue(['admin'], { tenant: 'acme' })
  })
  after(async () => {
    await gateway?.close()
    await upstream?.close()
  })

  const call = async (name: string, tool: string, text: string, token = gateway.token) => {
    upstream.answer({ result: { content: [{ type: 'text', text: CARD }] } })
    const { json } = await callTool(gateway, tool, { text }, { token, url: gateway.endpoint(name) })
    return json.result.content[0].text as string
  }

  for (const [place, name, tool, left] of [
    ['of all', 'far', 'say', '1'],
    ['of an upstream', 'near', 'say', '11'],
    ['of a tool', 'near', 'tell', '111'],
    ['of a tenant', 'near', 'tell', ''],
  ] as const)
    test(`${place}: as many digits are left as it says, in arguments and in results`, async () => {
      const answer = await call(name, tool, CARD, place === 'of a tenant' ? tenant : gateway.token)
      const sent = String(upstream.asked.at(-1)?.['text'])
      for (const value of [answer, sent]) assert.equal(value.replaceAll(/[^1]/g, ''), left, value)
    })

  test('tokens stay tokens for all, and become what they stand for at the upstream that wants it', async () => {
    for (const [name, isRestored] of [
      ['closed', false],
      ['open', true],
    ] as const) {
      const token = await call(name, 'say', 'nothing')
      assert.match(token, TOKEN)
      await call(name, 'say', token)
      const got = String(upstream.asked.at(-1)?.['text'])
      assert.equal(got === token, !isRestored, got)
    }
  })
})
