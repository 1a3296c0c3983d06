import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { GrowthMeter } from '../../../src/sandbox/folders/growth.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-growth-'))
after(() => rmSync(directory, { recursive: true }))
const ENDLESS = Number.POSITIVE_INFINITY

function guarded() {
  let suspicions = 0
  const onSuspicion = () => {
    suspicions++
  }
  const guard = new GrowthMeter().guard({ base: directory, device: 1, onSuspicion })
  return { guard, suspicions: () => suspicions }
}

it('growth beyond the room is suspected once, and again after it was settled', async () => {
  const { guard, suspicions } = guarded()
  for (const round of [1, 2]) {
    guard.settle({ bytes: 1 << 20, files: ENDLESS }, guard.mark())
    writeFileSync(join(directory, `big${round}`), Buffer.alloc(4 << 20, 1))
    while (suspicions() < round) await sleep(1)
    await sleep(20)
    assert.equal(suspicions(), round)
  }
  guard.end()
})

it('what is freed again does not hide what was gained', async () => {
  const { guard, suspicions } = guarded()
  writeFileSync(join(directory, 'old'), Buffer.alloc(16 << 20, 1))
  guard.settle({ bytes: 1 << 20, files: ENDLESS }, guard.mark())
  rmSync(join(directory, 'old'))
  await sleep(120)
  writeFileSync(join(directory, 'new'), Buffer.alloc(4 << 20, 1))
  while (suspicions() === 0) await sleep(1)
  guard.end()
})

it('nothing is suspected before the first count, without a limit, or after the end', async () => {
  const { guard, suspicions } = guarded()
  writeFileSync(join(directory, 'a'), Buffer.alloc(1 << 20, 1))
  guard.settle({ bytes: ENDLESS, files: ENDLESS }, guard.mark())
  writeFileSync(join(directory, 'b'), Buffer.alloc(1 << 20, 1))
  await sleep(150)
  guard.settle({ bytes: 0, files: 0 }, guard.mark())
  guard.end()
  writeFileSync(join(directory, 'c'), Buffer.alloc(1 << 20, 1))
  await sleep(150)
  assert.equal(suspicions(), 0)
})
