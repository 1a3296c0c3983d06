import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { Fault } from '../../src/core/fault.ts'
import { appendFiles, diskFileSystem } from '../../src/audit/append-file.ts'
import type { Witnessed } from '../../src/audit/facts.ts'
import { type PayloadOptions, payloads, type PayloadSeal } from '../../src/audit/payload.ts'
import { PayloadFiles } from '../../src/audit/payload-file.ts'
import { openPayload, payloadsOf } from '../../src/audit/payload-read.ts'
import type { PayloadMark } from '../../src/audit/record.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import type { Parsed } from '../../src/mcp/call.ts'
import { callNumber, keys, knownFacts, newExchange, newFolder, openChain } from './fixtures.ts'

/** Sealed enough to see that it is bound: the place is written in front. */
const seal: PayloadSeal = {
  seal: async (text, place) => Buffer.from(JSON.stringify([place, text])).toString('base64url'),
  async open(sealed, place) {
    const [bound, text] = JSON.parse(Buffer.from(sealed, 'base64url').toString('utf8'))
    assert.deepEqual(bound, place)
    return text
  },
}
const tool = { upstream: 'files', name: 'read', inputSchema: {}, raw: {}, digest: 'd' }
const exchange = newExchange({ ...knownFacts, tool }) as unknown as Witnessed & Parsed
const answer = { status: 200, message: { jsonrpc: '2.0', id: 1, result: { content: ['ä'.repeat(200)] } } } as const

function keeper(more: Partial<PayloadOptions> = {}) {
  const directory = newFolder()
  const store = new PayloadFiles({ directory })
  const ruleOf = () => ({ arguments: true, results: true, maxBytes: 101 })
  return { directory, store, kept: payloads({ ruleOf, seal, store, ...more }) }
}

/** A chain with one call of which both are kept. */
async function callKept() {
  const { directory, store, kept } = keeper()
  const folder = `${directory}/acme`
  const chain = openChain(folder)
  const payload = await kept.ofArguments(exchange)
  await chain.append({ ...callNumber(1), incident: 'incident-1', ...(payload && { payload }) })
  const result = await kept.ofResult(exchange, answer)
  const outcome = { kind: 'outcome', incident: 'incident-1', outcome: 'answered', status: 200, durationMs: 1 } as const
  await chain.append({ ...outcome, ...(result && { payload: result }) })
  await chain.close()
  await store.close()
  return {
    folder,
    file: `${folder}/payloads/000000000000001.jsonl`,
    marks: [payload, result] as readonly PayloadMark[],
  }
}

test('what is kept is found again by its incident, and opens as it was, or as far as it was kept', async () => {
  const { folder, marks } = await callKept()
  const found = await payloadsOf(folder, 'incident-1')
  assert.deepEqual(
    found.map(({ kind, mark }) => [kind, mark]),
    [
      ['arguments', marks[0]],
      ['result', marks[1]],
    ],
  )
  const place = { tenant: 'acme', incident: 'incident-1' }
  const [first, second] = await Promise.all(found.map((one) => openPayload(folder, place, one, seal)))
  assert.deepEqual([first?.text, first?.cut], ['{"path":"/secret"}', false])
  assert.deepEqual([second?.cut, second?.bytes], [true, 416])
  assert.equal(second?.text, `{"content":["${'ä'.repeat(44)}`, 'no character is torn')
  assert.deepEqual(await payloadsOf(folder, 'incident-2'), [])
})

test('a payload that is missing, edited, exchanged or cut off is found by verification', async () => {
  const { folder, file } = await callKept()
  const text = readFileSync(file, 'utf8')
  const [one = '', two = ''] = text.split('\n')
  const edits: readonly string[] = [
    '',
    `${two}\n`,
    `${one}\n`,
    `${one}\n${two}`,
    text.replace('"n":1', '"n":3'),
    text.replace(/..("\}\n)/, 'xx$1'),
  ]
  assert.ok(verifyChain({ directory: folder, keys }).sound)
  for (const edited of edits) {
    assert.notEqual(edited, text)
    writeFileSync(file, edited)
    assert.equal(verifyChain({ directory: folder, keys }).sound, false, edited)
    assert.ok(verifyChain({ directory: folder, keys, payloads: 'apart' }).sound)
  }
  rmSync(`${folder}/payloads`, { recursive: true })
  assert.equal(verifyChain({ directory: folder, keys }).sound, false)
})

test('a payload that was changed is not opened, and one whose key is gone says so', async () => {
  const { folder, file } = await callKept()
  const place = { tenant: 'acme', incident: 'incident-1' }
  const [first] = await payloadsOf(folder, 'incident-1')
  assert.ok(first)
  const gone = { open: () => Promise.reject(new Error('no key')) }
  assert.equal((await openPayload(folder, place, first, gone)).problem, 'sealed-for-ever')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(/..("\}\n)/, 'xx$1'))
  assert.partialDeepStrictEqual(await openPayload(folder, place, first, seal), { problem: 'changed' })
  rmSync(file)
  assert.partialDeepStrictEqual(await openPayload(folder, place, first, seal), { problem: 'missing' })
})

test('nothing is kept of a tool that nobody named, of another method, or of an error', () => {
  const { kept } = keeper({ ruleOf: () => undefined })
  assert.equal(kept.ofArguments(exchange), undefined)
  const { kept: all } = keeper()
  assert.equal(all.ofArguments({ ...exchange, call: { ...exchange.call, method: 'prompts/get' } }), undefined)
  const error = { status: 200, message: { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'no' } } } as const
  assert.equal(all.ofResult(exchange, error), undefined)
})

test('what is masked is masked before it is sealed', async () => {
  let sealed = ''
  const { kept } = keeper({
    mask: () => ({ path: '[masked]' }),
    seal: { ...seal, seal: async (text) => (sealed = text) },
  })
  await kept.ofArguments(exchange)
  assert.equal(sealed, '{"path":"[masked]"}')
})

test('a payload that cannot be sealed or written refuses the call, and the next one is tried again', async () => {
  const { kept } = keeper({ seal: { ...seal, seal: () => Promise.reject(new Error('no key')) } })
  await assert.rejects(kept.ofArguments(exchange) as Promise<unknown>, { code: 'audit.unavailable' })
  let isFull = true
  const openFile = appendFiles({
    ...diskFileSystem,
    write: (...args) => (isFull ? Promise.reject(new Error('ENOSPC')) : diskFileSystem.write(...args)),
  })
  const directory = newFolder()
  const store = new PayloadFiles({ directory, openFile })
  const place = { tenant: 'acme', incident: 'i', kind: 'result' } as const
  for (let n = 0; n < 3; n++) await assert.rejects(store.append(place, 'x'), Fault)
  isFull = false
  await store.append(place, 'x')
  await store.close()
  const lines = readFileSync(`${directory}/acme/payloads/${readdirSync(`${directory}/acme/payloads`)[0]}`, 'utf8')
  assert.equal(lines.split('\n').length, 2)
})

test('fifty payloads at once have a number each, which a torn end and another start do not give twice', async () => {
  const directory = newFolder()
  const store = new PayloadFiles({ directory, maxSegmentBytes: 500 })
  const place = { tenant: 'acme', incident: 'i', kind: 'result' } as const
  const marks = await Promise.all(Array.from({ length: 50 }, (_, n) => store.append(place, `sealed-${n}`)))
  await store.close()
  const folder = `${directory}/acme/payloads`
  appendFileSync(`${folder}/${readdirSync(folder).at(-1)}`, '{"n":51,"inci')
  const again = new PayloadFiles({ directory, maxSegmentBytes: 500 })
  const { n } = await again.append(place, 'after')
  await again.close()
  assert.deepEqual(
    marks.map((mark) => mark.n),
    Array.from({ length: 50 }, (_, at) => at + 1),
  )
  assert.equal(n, 51)
  for (const line of readdirSync(folder).flatMap((name) =>
    readFileSync(`${folder}/${name}`, 'utf8').trimEnd().split('\n'),
  ))
    assert.doesNotThrow(() => JSON.parse(line))
})
