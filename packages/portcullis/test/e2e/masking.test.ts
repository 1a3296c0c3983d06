/** DP-2: secrets and personal data on their way through a running gateway: what leaves, in which form, and who can undo it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { META } from '../../src/mcp/meta.ts'
import { auditText, recordsOf } from '../fixtures/audit.ts'
import { type AskingUpstream, startAsking } from '../fixtures/asking-upstream.ts'
import { ask, callTool, modern, openSession, send, stream } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { type ScriptedUpstream, startScripted } from '../fixtures/scripted-upstream.ts'

const CARD = '4111 1111 1111 1111'
const MAIL = 'jane.roe@mail.example.org'
const KEY = ['ghp', 'R7tYq2Lm9ZxKc4VbN8wPd3HsJf6GaTeUoi1Q'].join('_')
const object = { type: 'object' } as const
const string = { type: 'string' } as const
const schema = (properties: object) => ({ ...object, properties, additionalProperties: false })

const TOOLS = [
  {
    name: 'say',
    description: 'Says.',
    inputSchema: { ...object, properties: { text: string, mail: { ...string, format: 'email' } } },
  },
  {
    name: 'strict',
    description: 'Says.',
    inputSchema: object,
    outputSchema: schema({ mail: { ...string, pattern: '^[a-z.]+@[a-z.]+$' }, note: string }),
  },
  { name: 'rigid', description: 'Says.', inputSchema: object, outputSchema: schema({ mail: { const: MAIL } }) },
  { name: 'named', description: 'Says.', inputSchema: object },
  {
    name: 'token',
    description: 'Says.',
    inputSchema: { ...object, properties: { text: string, mail: { ...string, format: 'email' } } },
  },
  {
    name: 'send',
    description: 'Sends.',
    inputSchema: { ...object, properties: { to: { ...string, format: 'email' }, text: string } },
  },
  { name: 'plain', description: 'Says.', inputSchema: object },
  {
    name: 'routed',
    description: 'Says.',
    inputSchema: { ...object, properties: { text: { ...string, 'x-mcp-header': 'Text' } } },
  },
]

/** All that goes up. */
const UPWARD = { arguments: { secrets: 'remove', personal: 'mask' } }
const HIDDEN = '••••.•••@••••.•••••••.org'

const MASKING = {
  results: { secrets: 'remove', personal: 'mask' },
  tools: {
    named: {
      results: { fields: { Diagnosis: 'remove' }, paths: { '/rows/*/note': 'remove' }, kinds: { name: 'mask' } },
    },
    token: { results: { personal: 'tokenise' } },
    send: { arguments: { secrets: 'remove', kinds: { card: 'mask' } }, results: { personal: 'tokenise' } },
    plain: {
      results: { personal: 'keep', secrets: 'keep', fields: { diagnosis: 'keep', password: 'keep' } },
    },
  },
}

let upstream: ScriptedUpstream
let old: ScriptedUpstream
let gateway: TestGateway
let asking: AskingUpstream

before(async () => {
  upstream = await startScripted('modern', TOOLS)
  old = await startScripted('legacy', TOOLS)
  const http = (url: string) => ({ url, plaintext: 'loopback-only' })
  asking = await startAsking()
  gateway = await startTestGateway({
    upstreams: [],
    config: {
      upstreams: {
        crm: { trust: 'trusted', http: http(upstream.url), masking: MASKING },
        past: { trust: 'trusted', http: http(old.url), era: 'legacy', masking: MASKING },
        upward: { trust: 'trusted', http: http(upstream.url), masking: UPWARD },
        asking: { trust: 'trusted', http: http(asking.url), era: 'legacy', masking: UPWARD },
        open: { trust: 'trusted', http: http(upstream.url) },
      },
    },
  })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  await old.close()
  await asking.close()
})

const text = (words: string) => ({ result: { content: [{ type: 'text', text: words }] } })
async function call(name: string, args: object = {}, more: { readonly token?: string; readonly at?: string } = {}) {
  const { at = 'crm', token } = more
  return (await callTool(gateway, name, args, { url: gateway.endpoint(at), ...(token !== undefined && { token }) }))
    .json
}

/** Messages of an answer that came as events. */
const messagesIn = (answer: string) =>
  answer
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)))

test('results lose secrets and keep the shape of personal data, in text and in structured content alike', async () => {
  const row = { card: CARD, mail: MAIL, key: KEY, account: 4111111111111111 }
  const content = [
    { type: 'text', text: JSON.stringify(row) },
    { type: 'text', text: `pay ${CARD} to ${MAIL} with ${KEY}` },
    {
      type: 'resource',
      resource: { uri: 'test://a', mimeType: 'text/plain', blob: Buffer.from(`to ${MAIL}`).toString('base64') },
    },
  ]
  upstream.answer({ result: { content, structuredContent: row } })
  const { result } = await call('say')
  assert.deepEqual(result.structuredContent, {
    card: '•••• •••• •••• 1111',
    mail: '••••.•••@••••.•••••••.org',
    key: '[secret removed]',
    account: '••••••••••••1111',
  })
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent)
  assert.equal(result.content[1].text, 'pay •••• •••• •••• 1111 to ••••.•••@••••.•••••••.org with [secret removed]')
  assert.equal(Buffer.from(result.content[2].resource.blob, 'base64').toString(), 'to ••••.•••@••••.•••••••.org')
})

test('members are masked by their names and by their places, in structured content and in the text that repeats it', async () => {
  const row = { first_name: 'Jane', diagnosis: 'Flu', rows: [{ note: 'secretive', id: 'a' }] }
  upstream.answer({
    result: { content: [{ type: 'text', text: JSON.stringify(row, undefined, 2) }], structuredContent: row },
  })
  const { result } = await call('named')
  const left = { first_name: '••••', diagnosis: '[private removed]', rows: [{ note: '[private removed]', id: 'a' }] }
  assert.deepEqual(result.structuredContent, left)
  assert.equal(result.content[0].text, JSON.stringify(left, undefined, 2))
})

test('a value whose mask would break the schema is masked in plain characters, or the result is refused', async () => {
  upstream.answer({ result: { content: [], structuredContent: { mail: MAIL, note: 'fine' } } })
  assert.equal((await call('strict')).result.structuredContent.mail, 'xxxx.xxx@xxxx.xxxxxxx.xxx')
  upstream.answer({ result: { content: [], structuredContent: { mail: MAIL } } })
  const { error } = await call('rigid')
  assert.equal(error.data.code, 'masking.result_refused')
  assert.doesNotMatch(JSON.stringify(error), /jane/)
})

test('a nearer word lets through what a farther one masks', async () => {
  upstream.answer(text(`${MAIL} ${KEY}`))
  assert.equal((await call('plain')).result.content[0].text, `${MAIL} ${KEY}`)
})

test('without a configuration results pass as they are, and errors lose secrets and personal data all the same', async () => {
  upstream.answer(text(`${MAIL} ${CARD}`))
  assert.equal((await call('say', {}, { at: 'open' })).result.content[0].text, `${MAIL} ${CARD}`)
  upstream.answer({ result: { isError: true, content: [{ type: 'text', text: `no ${MAIL} with ${KEY}` }] } })
  const failed = await call('say', {}, { at: 'open' })
  assert.equal(failed.result.content[0].text, 'no ••••.•••@••••.•••••••.org with [secret removed]')
  upstream.answer({ error: { code: -32000, message: `no ${KEY}`, data: { card: CARD, password: 'hunter2hunter' } } })
  const { error } = await call('say', {}, { at: 'open' })
  assert.doesNotMatch(JSON.stringify(error), /ghp_|4111 1111|hunter2/)
})

describe('tokens', () => {
  const tokenIn = (result: { content: { text: string }[] }): string =>
    /«[^»]+»/.exec(result.content[0]?.text ?? '')?.[0] ?? ''

  test('a caller gets the same token each time, and the upstream gets the value for it', async () => {
    upstream.answer(text(`write to ${MAIL}, yes ${MAIL}`))
    const first = (await call('token')).result
    const token = tokenIn(first)
    assert.equal(first.content[0].text, `write to ${token}, yes ${token}`)
    assert.match(token, /^«email:1\.[\w-]+»$/)
    assert.equal(tokenIn((await call('token')).result), token)
    await call('send', { to: token, text: `Dear ${token}!` })
    assert.deepEqual(upstream.asked.at(-1), { to: MAIL, text: `Dear ${MAIL}!` })
    // What comes back is the same token again.
    upstream.answer(text(`sent to ${MAIL}`))
    assert.equal((await call('send', { to: token })).result.content[0].text, `sent to ${token}`)
  })

  test('the token of somebody else is refused before the upstream hears of it, and so is a changed one', async () => {
    upstream.answer(text(MAIL))
    const token = tokenIn((await call('token')).result)
    const other = await gateway.issue(['admin'])
    const reached = upstream.asked.length
    const foreign = await call('send', { text: token }, { token: other })
    assert.equal(foreign.error.data.code, 'masking.token_refused')
    const changed = token.replace(/.»$/, (end) => (end.startsWith('A') ? 'B»' : 'A»'))
    assert.equal((await call('send', { text: changed })).error.data.code, 'masking.token_refused')
    assert.equal(
      (await call('send', { text: token.replace('email', 'phone') })).error.data.code,
      'masking.token_refused',
    )
    assert.equal(upstream.asked.length, reached)
    const own = tokenIn((await call('token', {}, { token: other })).result)
    assert.notEqual(own, token)
  })
})

test('arguments lose what the upstream need not know', async () => {
  upstream.answer(text('done'))
  await call('send', { to: MAIL, text: `card ${CARD}, key ${KEY}` })
  assert.deepEqual(upstream.asked.at(-1), { to: MAIL, text: 'card •••• •••• •••• 1111, key [secret removed]' })
})

describe('what goes up beside arguments', () => {
  const url = () => gateway.endpoint('upward')
  const last = (method: string) => upstream.messages.findLast((one) => one.method === method)

  test('is masked in answers to questions, free notes and undeclared headers', async () => {
    upstream.answer(text('done'))
    const inputResponses = {
      form: { action: 'accept', content: { mail: MAIL, password: 'hunter2' } },
      model: { role: 'assistant', model: 'm', content: { type: 'text', text: `card ${CARD}` } },
    }
    const { body, headers } = modern('tools/call', { name: 'say', arguments: { text: MAIL }, inputResponses })
    const { params, ...rest } = body as { params: { _meta: object } }
    const noted = { ...params, _meta: { ...params._meta, 'example.org/by': MAIL, progressToken: MAIL } }
    const more = { 'mcp-param-other': MAIL }
    assert.equal(
      (await send(gateway, { ...rest, params: noted }, { url: url(), headers: { ...headers, ...more } })).status,
      200,
    )
    const came = last('tools/call')
    assert.deepEqual(came?.params?.['inputResponses'], {
      form: { action: 'accept', content: { mail: HIDDEN, password: '[secret removed]' } },
      model: { role: 'assistant', model: 'm', content: { type: 'text', text: 'card •••• •••• •••• 1111' } },
    })
    const meta = came?.params?.['_meta'] as Record<string, unknown>
    assert.equal(meta['example.org/by'], HIDDEN)
    assert.match(String(came?.headers['mcp-param-other']), /^=\?base64\?/)
    assert.doesNotMatch(
      JSON.stringify({ ...came, params: { ...came?.params, _meta: { ...meta, progressToken: 0 } } }),
      /jane/,
    )
  })

  test('a header that repeats a masked argument repeats the mask', async () => {
    upstream.answer(text('done'))
    const value = `Dear ${MAIL}`
    const answer = await callTool(
      gateway,
      'routed',
      { text: value },
      { url: url(), headers: { 'mcp-param-text': value } },
    )
    assert.equal(answer.status, 200, answer.text)
    const came = last('tools/call')
    assert.deepEqual(came?.params?.['arguments'], { text: `Dear ${HIDDEN}` })
    const encoded = /^=\?base64\?(.*)\?=$/.exec(String(came?.headers['mcp-param-text']))?.[1] ?? ''
    assert.equal(Buffer.from(encoded, 'base64').toString(), `Dear ${HIDDEN}`)
    const differing = await callTool(
      gateway,
      'routed',
      { text: value },
      { url: url(), headers: { 'mcp-param-text': 'x' } },
    )
    assert.equal(differing.json.error.data.code, 'message.header_mismatch')
  })

  test('is masked in addresses, which are another resource then, and in completions', async () => {
    upstream.answer({ result: { contents: [], completion: { values: [] } } })
    await ask(gateway, 'resources/read', { uri: `test://pages/${MAIL}` }, { url: url() })
    const read = last('resources/read')
    if (read !== undefined) assert.doesNotMatch(JSON.stringify(read), /jane/)
    const argument = { name: 'who', value: MAIL }
    const context = { arguments: { password: 'hunter2' } }
    const ref = { type: 'ref/prompt', name: 'greet' }
    await ask(gateway, 'completion/complete', { ref, argument, context }, { url: url() })
    const came = last('completion/complete')?.params
    assert.deepEqual(
      [came?.['argument'], came?.['context']],
      [{ name: 'who', value: HIDDEN }, { arguments: { password: '[secret removed]' } }],
    )
  })

  test('is masked in the answer of a client of 2025 to a server of 2025', { timeout: 20_000 }, async () => {
    const at = gateway.endpoint('asking')
    const headers = await openSession(gateway, { url: at }, { elicitation: {} })
    const body = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'ask', arguments: {} } }
    const open = await stream(gateway, body, { url: at, headers })
    await open.until(/elicitation\/create/)
    const [question] = messagesIn(open.text())
    const result = { action: 'accept', content: { name: `${MAIL} ${KEY}` } }
    await send(gateway, { jsonrpc: '2.0', id: question.id, result }, { url: at, headers })
    await open.ended
    assert.deepEqual(asking.answers, [{ action: 'accept', content: { name: `${HIDDEN} [secret removed]` } }])
  })
})

test('tokens in names of members are exchanged for the upstream', async () => {
  upstream.answer(text(`write to ${MAIL}`))
  const token = /«[^»]+»/.exec((await call('token')).result.content[0].text)?.[0] ?? ''
  await call('named', { [`cc ${token}`]: 1 })
  assert.deepEqual(upstream.asked.at(-1), { [`cc ${MAIL}`]: 1 })
})

test('no word about a field lowers what errors lose', async () => {
  upstream.answer({
    error: { code: -32000, message: 'no', data: { diagnosis: `Flu of ${MAIL}`, password: 'hunter2hunter' } },
  })
  const { error } = await call('plain')
  assert.doesNotMatch(JSON.stringify(error), /jane|hunter2/)
})

for (const era of ['modern', 'legacy'] as const) {
  test(`messages before an answer are masked across their borders, for a ${era} upstream`, async () => {
    const scripted = era === 'modern' ? upstream : old
    const log = (data: unknown) => ({
      jsonrpc: '2.0',
      method: 'notifications/message',
      params: { level: 'info', data },
    })
    scripted.answer({
      before: [log('the card is 4111 1111'), log(' 1111 1111 and that'), log({ email: MAIL })],
      ...text(`to ${MAIL}`),
    })
    const url = gateway.endpoint(era === 'modern' ? 'crm' : 'past')
    const asked = modern('tools/call', { name: 'say' }, 1)
    const { params } = asked.body as { params: { _meta: object } }
    const meta = { ...params._meta, [META.logLevel]: 'debug' }
    const answer = await send(
      gateway,
      { ...asked.body, params: { ...params, _meta: meta } },
      { url, headers: asked.headers },
    )
    const messages = messagesIn(answer.text)
    assert.deepEqual(
      messages.slice(0, 2).map((one) => one.params.data),
      ['the card is •••• •••• •••• 1111', ' and that'],
    )
    assert.deepEqual(messages[2].params.data, { email: '••••.•••@••••.•••••••.org' })
    assert.equal(messages[3].result.content[0].text, 'to ••••.•••@••••.•••••••.org')
  })
}

test('a client of 2025 gets masked results, prompts and resources', async () => {
  const url = gateway.endpoint('crm')
  const headers = await openSession(gateway, { url })
  const answered = async (method: string, params: object) =>
    (await send(gateway, { jsonrpc: '2.0', id: 1, method, params }, { url, headers })).text
  upstream.answer({
    result: {
      content: [{ type: 'text', text: MAIL }],
      messages: [{ role: 'user', content: { type: 'text', text: MAIL } }],
      contents: [{ uri: 'test://page', text: MAIL }],
    },
  })
  for (const [method, params] of [
    ['tools/call', { name: 'say', arguments: {} }],
    ['prompts/get', { name: 'greet', arguments: { who: 'me' } }],
    ['resources/read', { uri: 'test://page' }],
  ] as const) {
    const answer = await answered(method, params)
    assert.match(answer, /••••\.•••@/, method)
    assert.doesNotMatch(answer, /jane/, method)
  }
})

test('tenants have their own word, tokens are left alone where that is asked, and the last digits go where they are not wanted', async () => {
  const http = { url: upstream.url, plaintext: 'loopback-only' }
  const own = await startTestGateway({
    upstreams: [],
    config: {
      masking: { results: { personal: 'mask', keepLast: 0, kinds: { ip: 'remove' } }, restore: false },
      tenants: {
        default: { upstreams: ['crm'] },
        acme: { upstreams: ['crm'], masking: { results: { personal: 'tokenise' } } },
      },
      upstreams: { crm: { trust: 'trusted', http } },
    },
  })
  try {
    const acme = await own.issue(['admin'], { tenant: 'acme' })
    upstream.answer(text(`${CARD} from 198.51.100.7`))
    const said = async (token: string, args = {}) =>
      (await callTool(own, 'say', args, { url: own.endpoint('crm'), token })).json.result.content[0].text as string
    assert.equal(await said(own.token), '•••• •••• •••• •••• from [ip removed]')
    const answer = await said(acme)
    assert.match(answer, /^«card:1\.[\w-]+» from \[ip removed\]$/)
    const [token = ''] = answer.split(' ')
    await said(acme, { text: token })
    assert.deepEqual(upstream.asked.at(-1), { text: token })
  } finally {
    await own.close()
  }
})

test('nothing that was masked or refused is in logs or records', async () => {
  upstream.answer({ error: { code: -32000, message: `lost ${KEY} of ${MAIL}` } })
  await call('say', { text: `${CARD} ${MAIL}` })
  await call(KEY)
  await callTool(gateway, 'say', { mail: `not an address ${CARD}` }, { url: gateway.endpoint('crm') })
  const kept = auditText(gateway) + gateway.logged.join('\n') + JSON.stringify(recordsOf(gateway))
  for (const planted of [CARD, '4111111111111111', MAIL, KEY, 'hunter2hunter']) assert(!kept.includes(planted), planted)
})
