// What the parts of the record cost by themselves: processor time per KB and per call, one thread, no gateway, no disk.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { sealLine } from '../../packages/portcullis/src/audit/line.ts'
import { GENESIS } from '../../packages/portcullis/src/audit/record.ts'
import { scrub } from '../../packages/portcullis/src/audit/scrub.ts'
import { Secret } from '../../packages/portcullis/src/core/secret.ts'
import { KEY_BYTES, openBytes, sealBytes } from '../../packages/portcullis/src/data-protection/envelope.ts'
import { maskMessage } from '../../packages/portcullis/src/data-protection/masking/mask-message.ts'
import { rulesOf } from '../../packages/portcullis/src/data-protection/masking/rules.ts'
import { recogniserOf, TextMasker } from '../../packages/portcullis/src/data-protection/masking/text-masker.ts'
import { BENCH } from './places.mjs'
import { median } from './statistics.mjs'

const KB = 1_024
const ROUNDS = 7
/** As many principals as the goal names, and calls that take some seconds. */
const PRINCIPALS = 100_000
const CALLS = 300_000

/** Microseconds of one call of `work`, the median of several rounds. */
function cost(work, calls) {
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.cpuUsage()
    for (let call = 0; call < calls; call++) work(call)
    const { user, system } = process.cpuUsage(from)
    rounds.push((user + system) / calls)
  }
  return median(rounds)
}

const WORDS = 'The quick brown fox jumps over the lazy dog and reads page 12 of 40. '
const plain = WORDS.repeat(16).slice(0, KB)
const row = (at) => ({ id: at, name: 'Jane Roe', mail: `jane.roe${at}@mail.example.org`, total: 12.5, state: 'open' })
const json = JSON.stringify(Array.from({ length: 12 }, (_, at) => row(at))).slice(0, KB)
const result = (text) => ({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } })

const CALL = {
  kind: 'call',
  incident: '01J9ZK3V5T8N',
  principal: 'key:9f8e7d6c5b4a',
  credential: { kind: 'api-key', id: '9f8e7d6c5b4a' },
  address: '192.0.2.44',
  upstream: 'files',
  method: 'tools/call',
  target: { kind: 'tool', name: 'read_file' },
  arguments: 'c2c6e7b3a4d5f6071829304a5b6c7d8e9f00112233445566778899aabbccddee',
  era: 'modern',
  version: '2026-07-28',
  decision: { effect: 'allow', policies: ['readers-may-read'], revision: '4f5e6d7c8b9a' },
}
const OUTCOME = { kind: 'outcome', incident: CALL.incident, outcome: 'answered', status: 200, durationMs: 3 }

/** Rows of a table: what, microseconds, per what. */
export function measureParts() {
  const key = new Secret(randomBytes(KEY_BYTES))
  const binding = Buffer.from('one cell')
  const [small, large] = [randomBytes(KB), randomBytes(64 * KB)]
  const [sealedSmall, sealedLarge] = [sealBytes(small, binding, key), sealBytes(large, binding, key)]
  const rules = rulesOf([{ secrets: 'remove', personal: 'mask' }])
  const masker = new TextMasker(rules, recogniserOf(rules))
  const facts = { upstream: 'files', durationMs: 12, status: 200, incident: CALL.incident }
  const perKb = (text) => cost(() => masker.raw(text), 2_000) / (text.length / KB)
  const rows = [
    ['two records of a call: encoded, hashed, chained', cost(() => twoLines(), 10_000), 'call'],
    ['a payload of 1 KB sealed (AES-256-GCM)', cost(() => sealBytes(small, binding, key), 20_000), 'KB'],
    ['a payload of 64 KB sealed', cost(() => sealBytes(large, binding, key), 1_000) / 64, 'KB'],
    ['a payload of 1 KB opened', cost(() => openBytes(sealedSmall, binding, key), 20_000), 'KB'],
    ['a payload of 64 KB opened', cost(() => openBytes(sealedLarge, binding, key), 1_000) / 64, 'KB'],
    ['plain text searched for secrets and personal data', perKb(plain), 'KB'],
    ['rows of people as JSON searched', perKb(json), 'KB'],
    ['a result of 1 KB of plain text masked', cost(() => maskMessage(masker, result(plain)), 5_000), 'call'],
    ['a result of 1 KB of rows of people masked', cost(() => maskMessage(masker, result(json)), 1_000), 'call'],
    ['the facts of a log line searched', cost(() => scrub(facts), 50_000), 'line'],
  ]
  return rows.map(([what, microseconds, per]) => ({ what, microseconds, per }))
}

function twoLines() {
  const { hash } = sealLine(GENESIS, 1_790_000_000_000, '"acme"', CALL)
  sealLine({ sequence: GENESIS.sequence + 1, hash }, 1_790_000_000_001, '"acme"', OUTCOME)
}

/** `{ principals, observe, look, resident }`: of a process of its own, because its memory is measured. */
export function measureWatch() {
  const script = join(BENCH, 'anomalies.mjs')
  const args = ['--expose-gc', script, 'anomalies', String(PRINCIPALS), String(CALLS), '--json']
  const told = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1 << 20 })
  const line = /^RESULT(\{.*\})$/m.exec(told)?.[1]
  if (line === undefined) throw new Error('the watch was not measured')
  return JSON.parse(line)
}
