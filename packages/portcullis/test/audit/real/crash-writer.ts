import { writeSync } from 'node:fs'
import { CHAIN_RULES, Chain } from '../../../src/audit/chain.ts'
import { checkpointSigner, loadCheckpointKey } from '../../../src/audit/checkpoint.ts'
import { callNumber } from '../fixtures.ts'

/**
 * Appends from 32 writers at once until it is killed, and tells on standard output what was acknowledged, and no earlier.
 * Standard output is a pipe whose bytes stay with the reader when this process dies.
 */
const [directory = '', keyPath = '', life = ''] = process.argv.slice(2)
const chain = Chain.open({
  directory,
  tenant: 'acme',
  signer: checkpointSigner(loadCheckpointKey(keyPath)),
  clock: { now: Date.now },
  rules: { ...CHAIN_RULES, maxSegmentBytes: 20_000, checkpointRecords: 50 },
})
let next = 0

async function writer(): Promise<never> {
  for (;;) {
    const n = next++
    await chain.append({ ...callNumber(n), incident: `${life}-${n}` })
    writeSync(1, `${life}-${n}\n`)
  }
}

await Promise.all(Array.from({ length: 32 }, writer))
