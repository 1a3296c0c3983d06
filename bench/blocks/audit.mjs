/**
 * What one durable audit record costs: CPU of the whole process (thread pool included) and the wait for the disk.
 *
 *     node bench/blocks/audit.mjs [records] [rounds]
 *
 * `writers` append and wait, each its next record as soon as its last one is durable. `calls` is closer to a gateway: each
 * caller writes a call record, burns 100 µs as the rest of a call does, writes its outcome and waits for both. The pure
 * cost of making lines (encode, hash, chain) is measured without a disk.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CHAIN_RULES, Chain } from '../../packages/portcullis/src/audit/chain.ts'
import { checkpointSigner } from '../../packages/portcullis/src/audit/checkpoint.ts'
import { sealLine } from '../../packages/portcullis/src/audit/line.ts'
import { GENESIS } from '../../packages/portcullis/src/audit/record.ts'
import { verifyChain } from '../../packages/portcullis/src/audit/verify.ts'

const records = Number(process.argv[2] ?? 40_000)
const rounds = Number(process.argv[3] ?? 3)
const signer = checkpointSigner(generateKeyPairSync('ed25519').privateKey)

const call = (n) => ({
  kind: 'call',
  incident: `01J9ZK3V5T8N${n}`,
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
})
const outcome = (n) => ({
  kind: 'outcome',
  incident: `01J9ZK3V5T8N${n}`,
  outcome: 'answered',
  status: 200,
  durationMs: 3,
})

async function measure(work) {
  const waits = []
  const cpu = process.cpuUsage()
  const begin = performance.now()
  await work(waits)
  const { user, system } = process.cpuUsage(cpu)
  waits.sort((a, b) => a - b)
  const quantile = (q) => waits[Math.min(waits.length - 1, Math.floor(waits.length * q))]
  return { cpu: user + system, ms: performance.now() - begin, p50: quantile(0.5), p99: quantile(0.99) }
}

async function onChain(rules, work) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const chain = Chain.open({ directory, tenant: 'acme', signer, clock: { now: Date.now }, rules })
  try {
    const figures = await measure((waits) => work(chain, waits))
    await chain.close()
    const verdict = verifyChain({ directory, keys: new Map([[signer.keyId, signer.publicKey]]) })
    if (!verdict.sound) throw new Error(verdict.problem)
    return figures
  } finally {
    rmSync(directory, { recursive: true })
  }
}

const writers = (count, total) => async (chain, waits) => {
  let next = 0
  const writer = async () => {
    while (next < total) {
      const n = next++
      const begin = performance.now()
      await chain.append(n % 2 ? outcome(n) : call(n))
      waits.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: count }, writer))
}

const BURN_MS = 0.1
const calls = (count, total) => async (chain, waits) => {
  let next = 0
  const caller = async () => {
    while (next < total) {
      const n = next++
      // As in a gateway, each call begins in a turn of the event loop of its own.
      await new Promise(setImmediate)
      const recorded = chain.append(call(n))
      const until = performance.now() + BURN_MS
      while (performance.now() < until);
      const begin = performance.now()
      await chain.append(outcome(n))
      await recorded
      waits.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: count }, caller))
}

const row = (name, figures, per) => {
  const { cpu, ms, p50, p99 } = figures
  const cells = [(cpu / per).toFixed(1), Math.round((per * 1000) / ms), p50?.toFixed(2) ?? '', p99?.toFixed(2) ?? '']
  console.log([name.padEnd(34), ...cells.map((cell) => String(cell).padStart(10))].join(''))
}

console.log(
  ['target'.padEnd(34), ...['CPU µs', 'per s', 'p50 ms', 'p99 ms'].map((title) => title.padStart(10))].join(''),
)
for (let round = 0; round < rounds; round++) {
  let position = GENESIS
  const lines = await measure(() => {
    for (let n = 0; n < records; n++) {
      const { hash } = sealLine(position, Date.now(), '"acme"', n % 2 ? outcome(n) : call(n))
      position = { sequence: position.sequence + 1, hash }
    }
  })
  row('line, hash and chain, no disk', lines, records)
  for (const count of [1, 16, 64, 256]) {
    const total = count === 1 ? records / 20 : records
    row(`record, ${count} writers`, await onChain(CHAIN_RULES, writers(count, total)), total)
  }
  for (const count of [1, 16, 64]) {
    const total = records / (count === 1 ? 40 : 10)
    const figures = await onChain(CHAIN_RULES, calls(count, total))
    // Two records for a call, and without what the call itself burns.
    row(`record of a call, ${count} callers`, { ...figures, cpu: figures.cpu / 2 - total * BURN_MS * 500 }, total)
  }
}
