/**
 * AU-3, CO-4: every change to a chain that a gateway has written is found by our verifier, and by the independent one in
 * `examples/audit-verifier`, which knows the document of the format and none of our code.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkpointSigner, readCheckpointPublicKey } from '../../../src/audit/checkpoint.ts'
import { openAuditKey } from '../../../src/audit/key-file.ts'
import { lastKeyOf } from '../../../src/audit/last-key.ts'
import { type AuditRecord, GENESIS, type Position } from '../../../src/audit/record.ts'
import { RECEIPT } from '../../../src/audit/receipt.ts'
import { succession } from '../../../src/audit/succession.ts'
import { verifyChain } from '../../../src/audit/verify.ts'
import { verifyReceipt } from '../../../src/audit/verify-receipt.ts'
import { parseWitness } from '../../../src/audit/witness/statement.ts'
import { callTool, send } from '../../fixtures/client.ts'
import { ECHO, startCounting } from '../../fixtures/counting-upstream.ts'
import { startTestGateway } from '../../fixtures/gateway.ts'

const VERIFIER = join(import.meta.dirname, '../../../../../examples/audit-verifier/verify.py')
const SEGMENT = '000000000000001.jsonl'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-tamper-'))
const state = join(folder, 'state')
const chain = join(state, 'audit', 'default')
const firstPublic = join(folder, 'first.pub')
const currentPublic = join(state, 'audit.key.pub')
const witness = join(folder, 'witness.jsonl')
const answerFile = join(folder, 'answer.json')

let first: KeyObject
let current: KeyObject
let records: readonly AuditRecord[] = []
let answer: Record<string, unknown> = {}

/** Two keys, calls before and after the one took the other's place, a refusal, a stop and a start. */
before(async () => {
  const upstream = await startCounting([ECHO])
  const options = {
    folder,
    upstreams: [{ name: 'counting', url: upstream.url }],
    config: {
      audit: {
        checkpointEverySeconds: 1,
        receipts: 'every-answer',
        witness: { volume: { file: { path: 'witness.jsonl', sameDevice: 'allowed' } } },
      },
    },
  }
  let gateway = await startTestGateway(options)
  await callTool(gateway, 'echo', { text: 'Grüße \u{1f600} "x" \\ \n 1e-7' })
  await callTool(gateway, 'echo', { text: 1 })
  while (lastKeyOf(chain) === undefined) await sleep(50)
  cpSync(currentPublic, firstPublic)
  first = createPrivateKey(readFileSync(join(state, 'audit.key')))
  const rotated = await send(
    gateway,
    {},
    {
      url: `${gateway.origin}/admin/v1/audit/rotate-key`,
      headers: { 'content-type': 'application/json' },
    },
  )
  assert.equal(rotated.status, 200, rotated.text)
  await Promise.all(['a', 'b', 'c'].map((text) => callTool(gateway, 'echo', { text })))
  await gateway.close()
  gateway = await startTestGateway(options)
  // Three in one commit, so that the receipt has a path.
  const all = await Promise.all(['d', 'e', 'f'].map((text) => callTool(gateway, 'echo', { text })))
  answer = all[1]?.json
  writeFileSync(answerFile, all[1]?.text ?? '')
  await gateway.close()
  await upstream.close()
  current = createPrivateKey(readFileSync(join(state, 'audit.key')))
  records = readFileSync(join(chain, SEGMENT), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as AuditRecord)
})
after(() => rmSync(folder, { recursive: true, force: true }))

interface Mutation {
  readonly name: string
  readonly text: string
}

interface Known {
  readonly keys?: readonly string[]
  readonly current?: string
  readonly witness?: true
}

const EVERYTHING: Known = { keys: [firstPublic], current: currentPublic, witness: true }
const NO_WITNESS: Known = { keys: [firstPublic], current: currentPublic }

function ours(text: string, { keys = [], current: now, witness: isWitnessed }: Known): string | undefined {
  const directory = mkdtempSync(join(folder, 'ours-'))
  writeFileSync(join(directory, SEGMENT), text)
  const known = new Map([...keys, ...(now === undefined ? [] : [now])].map(readCheckpointPublicKey))
  const verdict = verifyChain({
    ...{ directory, keys: known },
    ...(now !== undefined && { current: readCheckpointPublicKey(now)[0] }),
    ...(isWitnessed && { witnessed: seen() }),
  })
  rmSync(directory, { recursive: true })
  return verdict.sound ? undefined : verdict.problem
}

const seen = () => parseWitness(readFileSync(witness, 'utf8')).lines.filter(({ tenant }) => tenant === 'default')

/** The sentence for each text, by one process for all of them. */
function theirs(texts: readonly string[], { keys = [], current: now, witness: isWitnessed }: Known): readonly string[] {
  const place = mkdtempSync(join(folder, 'theirs-'))
  const folders = texts.map((text, at) => {
    const directory = join(place, String(at))
    mkdirSync(directory)
    writeFileSync(join(directory, SEGMENT), text)
    return directory
  })
  const own = join(place, 'witness.jsonl')
  writeFileSync(
    own,
    seen()
      .map((line) => JSON.stringify(line))
      .join('\n'),
  )
  const args = [
    ...['-B', VERIFIER, 'chain', ...folders],
    ...(keys.length > 0 ? ['--key', ...keys] : []),
    ...(now === undefined ? [] : ['--current', now]),
    ...(isWitnessed ? ['--all-of-witness', '--witness', own] : []),
  ]
  const { stdout, stderr } = spawnSync('python3', args, { encoding: 'utf8', timeout: 300_000, maxBuffer: 1e8 })
  assert.equal(stderr, '')
  const told = stdout.trimEnd().split('\n')
  assert.equal(told.length, texts.length)
  rmSync(place, { recursive: true })
  return told
}

const isSound = (sentence: string): boolean => / sound, /.test(sentence)

/** Found by both. A mutation that changes nothing would prove nothing. */
function mustBeFound(mutations: readonly Mutation[], known: Known): void {
  const original = textOf(records)
  for (const { name, text } of mutations) assert(text !== original, name)
  const missed = mutations.filter(({ text }) => ours(text, known) === undefined).map(({ name }) => name)
  assert.deepEqual(missed, [], 'missed by portcullis audit verify')
  const told = theirs(
    mutations.map(({ text }) => text),
    known,
  )
  assert.deepEqual(
    mutations.filter((_, at) => isSound(told[at] as string)).map(({ name }) => name),
    [],
    'missed by verify.py',
  )
}

const textOf = (all: readonly AuditRecord[]): string => all.map((record) => `${JSON.stringify(record)}\n`).join('')

/** The same records in a chain whose hashes are right, with `sign` for its checkpoints. */
function chained(
  all: readonly AuditRecord[],
  sign: (record: AuditRecord, position: Position) => object = (record) => record,
): string {
  let position: Position = GENESIS
  let text = ''
  for (const one of all) {
    const { seq: _seq, prev: _prev, at, tenant, hash: _hash, ...body } = sign(one, position) as AuditRecord
    const sequence = position.sequence + 1
    const open = JSON.stringify({ seq: sequence, prev: position.hash, at, tenant, ...body }).slice(0, -1)
    position = { sequence, hash: createHash('sha256').update(open).digest('hex') }
    text += `${open},"hash":"${position.hash}"}\n`
  }
  return text
}

/** Every checkpoint signed anew, by whoever has this key. */
const signedBy = (key: KeyObject) => (record: AuditRecord, position: Position) =>
  record.kind === 'checkpoint'
    ? { ...record, ...checkpointSigner(key).checkpoint(record.tenant, position, record.at) }
    : record

type Path = readonly (string | number)[]

function pathsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsIn(member, [...path, name]))].filter(
    (one) => one.length > 0,
  )
}

/** A copy with another value at the path; `undefined` removes it. */
function changed(record: AuditRecord, path: Path, change: (value: unknown) => unknown): AuditRecord {
  const copy = structuredClone(record) as unknown as Record<string, unknown>
  let holder = copy
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string, unknown>
  const last = path.at(-1) as string
  const next = change(holder[last])
  if (next === undefined && !Array.isArray(holder)) delete holder[last]
  else holder[last] = next
  return copy as unknown as AuditRecord
}

function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (typeof value === 'string') return value === '' ? 'x' : `${value[0] === '0' ? '1' : '0'}${value.slice(1)}`
  return Array.isArray(value) ? [...value, 'x'] : { ...(value as object), x: 1 }
}

const with_ = (at: number, record: AuditRecord): readonly AuditRecord[] => records.with(at, record)

describe('a chain that a gateway has written', () => {
  test('is sound for both, by the first key, by the current one, and with its witness', () => {
    const text = textOf(records)
    const kinds = new Set(records.map(({ kind }) => kind))
    for (const kind of ['start', 'call', 'outcome', 'refusal', 'checkpoint', 'key', 'stop'] as const)
      assert(kinds.has(kind), kind)
    const all: readonly Known[] = [
      EVERYTHING,
      NO_WITNESS,
      { keys: [firstPublic] },
      { current: currentPublic },
      { keys: [currentPublic] },
    ]
    for (const known of all) {
      assert.equal(ours(text, known), undefined)
      assert(isSound(theirs([text], known)[0] as string), theirs([text], known)[0])
    }
  })

  test('shows every single field that was changed, removed or added', () => {
    const mutations = records.flatMap((record, at) =>
      pathsIn(record).flatMap((path): readonly Mutation[] => {
        const name = `${record.seq} ${record.kind} ${path.join('.')}`
        const edits = [changed(record, path, another), changed(record, path, () => undefined)]
        const added = { ...record, extra: 1 }
        return [...edits, ...(path.length === 1 && path[0] === 'kind' ? [added] : [])].map((edit, n) => ({
          name: `${name} ${n}`,
          text: textOf(with_(at, edit)),
        }))
      }),
    )
    assert(mutations.length > 300, String(mutations.length))
    mustBeFound(mutations, NO_WITNESS)
  })

  test('shows it too when all hashes were computed anew', () => {
    const isPlace = (path: Path) => path.length === 1 && ['seq', 'prev', 'hash'].includes(String(path[0]))
    const last = records.findLastIndex(({ kind }) => kind === 'checkpoint')
    const mutations = records.slice(0, last).flatMap((record, at) =>
      pathsIn(record)
        .filter((path) => !isPlace(path))
        .map((path) => ({
          name: `${record.seq} ${record.kind} ${path.join('.')}`,
          text: chained(with_(at, changed(record, path, another))),
        })),
    )
    assert(mutations.length > 200, String(mutations.length))
    mustBeFound(mutations, NO_WITNESS)
  })

  test('shows every record that was left out, doubled or moved, with old hashes and with new ones', () => {
    const last = records.findLastIndex(({ kind }) => kind === 'checkpoint')
    const mutations = records.slice(0, last).flatMap((record, at) => {
      const next = records[at + 1] as AuditRecord
      const changes: readonly (readonly [string, readonly AuditRecord[]])[] = [
        ['left out', records.toSpliced(at, 1)],
        ['doubled', records.toSpliced(at, 0, record)],
        ['swapped', records.toSpliced(at, 2, next, record)],
        ['from elsewhere', records.toSpliced(at, 0, records[last] as AuditRecord)],
      ]
      return changes.flatMap(([what, all]) => [
        { name: `${record.seq} ${what}`, text: textOf(all) },
        { name: `${record.seq} ${what}, rehashed`, text: chained(all) },
      ])
    })
    mustBeFound(mutations, NO_WITNESS)
  })

  test('shows to its witness wherever it was cut', () => {
    const to = Math.max(...seen().map(({ sequence }) => sequence))
    assert.equal(to, records.length - 1, 'the last checkpoint is witnessed')
    const mutations = records
      .slice(0, to - 1)
      .map((_, at) => ({ name: `cut after ${at}`, text: textOf(records.slice(0, at)) }))
    mustBeFound(mutations, EVERYTHING)
    const torn = textOf(records).slice(0, -1)
    mustBeFound([{ name: 'torn', text: torn }], NO_WITNESS)
  })

  test('shows that it was signed anew with a key that is retired', () => {
    const at = records.findIndex(({ kind }) => kind === 'key')
    const forged: readonly AuditRecord[] = records.map((record) =>
      record.kind === 'call' ? { ...record, principal: 'key:other' } : record,
    )
    const own = generateKeyPairSync('ed25519').privateKey
    const successor = { ...records[at], ...succession(first, own, Date.now()) } as AuditRecord
    const sign = signedBy(first)
    const mutations: readonly Mutation[] = [
      { name: 'all of it, without the rotation', text: chained(forged.toSpliced(at, 1), sign) },
      { name: 'all of it, with the rotation', text: chained(forged, sign) },
      { name: 'cut before the rotation', text: chained(forged.slice(0, at), sign) },
      { name: 'cut after the rotation', text: chained(forged.slice(0, at + 1), sign) },
      {
        name: 'unsigned after the rotation',
        text: chained(
          forged.filter(({ kind }, n) => n <= at || kind !== 'checkpoint'),
          sign,
        ),
      },
      {
        name: 'one checkpoint after the rotation',
        text: chained(
          records.toSpliced(-1, 0, records.findLast(({ kind }) => kind === 'checkpoint') as AuditRecord),
          (record, position) => (position.sequence === records.length - 1 ? sign(record, position) : record),
        ),
      },
      {
        name: 'a successor of his own',
        text: chained(forged.with(at, successor), (record, position) =>
          signedBy(position.sequence < at ? first : own)(record, position),
        ),
      },
    ]
    mustBeFound(mutations, NO_WITNESS)
  })

  test('shows to its witness that it was signed anew with the right key', () => {
    const at = records.findIndex(({ kind }) => kind === 'key')
    const forged: readonly AuditRecord[] = records.map((record) =>
      record.kind === 'call' ? { ...record, principal: 'key:other' } : record,
    )
    const text = chained(forged, (record, position) =>
      signedBy(position.sequence < at ? first : current)(record, position),
    )
    assert.equal(ours(text, NO_WITNESS), undefined, 'the chain alone cannot show it')
    mustBeFound([{ name: 'by whoever has all keys', text }], EVERYTHING)
  })

  test('is followed by a key that the gateway believes', () => {
    assert.equal(openAuditKey(join(state, 'audit.key'), join(state, 'audit')).successions.length, 1)
  })
})

describe('a receipt that a gateway has given', () => {
  const keys = () => new Map([firstPublic, currentPublic].map(readCheckpointPublicKey))
  const chainOf = () => chain

  /** The receipts, by one process each: there are few. */
  function python(value: unknown): boolean {
    const file = join(folder, 'receipt.json')
    writeFileSync(file, JSON.stringify(value))
    const args = [
      '-B',
      VERIFIER,
      'receipt',
      file,
      '--key',
      firstPublic,
      currentPublic,
      '--chains',
      join(state, 'audit'),
    ]
    const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8', timeout: 60_000 })
    assert.equal(stderr, '')
    return status === 0
  }

  test('is valid for both, with its result and alone', () => {
    const { result } = answer as { result: { _meta: Record<string, { path: readonly unknown[] }> } }
    const receipt = result._meta[RECEIPT]
    for (const value of [answer, result, receipt]) {
      const verdict = verifyReceipt({ value, keys: keys(), chainOf })
      assert(verdict.valid && verdict.chain === 'found', JSON.stringify(verdict))
      assert(python(value))
    }
  })

  test('is not valid for either when any field of it, or of the result, is another', () => {
    const { result } = answer as { result: AuditRecord }
    const missed: string[] = []
    for (const path of pathsIn(result)) {
      const value = changed(result, path, another)
      if (verifyReceipt({ value, keys: keys(), chainOf }).valid) missed.push(`ours: ${path.join('.')}`)
      if (python(value)) missed.push(`verify.py: ${path.join('.')}`)
    }
    assert.deepEqual(missed, [])
  })

  test('is not valid for either when the chain was changed or lacks it', () => {
    const { result } = answer as { result: object }
    const text = readFileSync(join(chain, SEGMENT), 'utf8')
    for (const other of [
      chained(records.map((record) => ({ ...record, at: record.at + 1 }))),
      textOf(records.slice(0, 5)),
    ]) {
      writeFileSync(join(chain, SEGMENT), other)
      assert.equal(verifyReceipt({ value: result, keys: keys(), chainOf }).valid, false)
      assert.equal(python(result), false)
    }
    writeFileSync(join(chain, SEGMENT), text)
  })
})

test('Python is there, for the independent verifier', () => {
  assert.match(execFileSync('python3', ['--version'], { encoding: 'utf8' }), /^Python 3\.(?:1[1-9]|[2-9]\d)/)
})
