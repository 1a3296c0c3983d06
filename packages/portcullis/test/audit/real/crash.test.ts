import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { checkpointSigner, loadCheckpointKey } from '../../../src/audit/checkpoint.ts'
import { readLast } from '../../../src/audit/tail.ts'
import { verifyChain } from '../../../src/audit/verify.ts'
import { newFolder, openChain } from '../fixtures.ts'

const WRITER = fileURLToPath(new URL('crash-writer.ts', import.meta.url))
const LIVES = 20

/** Runs a writer until `enough` records are acknowledged and a random moment more, then kills it. */
async function live(directory: string, keyPath: string, life: number): Promise<readonly string[]> {
  const writer = spawn(process.execPath, [WRITER, directory, keyPath, String(life)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  const ended = once(writer.stdout, 'close')
  writer.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (told === '') setTimeout(() => writer.kill('SIGKILL'), Math.random() * 150)
    told += text
  })
  const [code, signal] = (await once(writer, 'exit')) as [number | null, string | null]
  await ended
  assert.deepEqual([code, signal], [null, 'SIGKILL'])
  // The last line may have been cut by the kill.
  return told.split('\n').slice(0, -1)
}

test('no acknowledged record is lost when the writer is killed, and the chain goes on and verifies', async () => {
  const directory = newFolder()
  const keyPath = `${newFolder()}/audit.key`
  const signer = checkpointSigner(loadCheckpointKey(keyPath))
  const keys = new Map([[signer.keyId, signer.publicKey]])
  const acknowledged: string[] = []
  for (let life = 0; life < LIVES; life++) {
    acknowledged.push(...(await live(directory, keyPath, life)))
    assert.equal(verifyChain({ directory, keys, state: 'growing' }).sound, true)
  }
  const chain = openChain(directory, { signer })
  await chain.close()
  const verdict = verifyChain({ directory, keys, known: chain.head })
  assert.equal(verdict.sound, true, JSON.stringify(verdict))
  const present = new Set(
    readLast(directory, Number.POSITIVE_INFINITY, { kind: 'call' }).map(
      (record) => 'incident' in record && record.incident,
    ),
  )
  assert.ok(acknowledged.length > LIVES * 32)
  assert.deepEqual(
    acknowledged.filter((incident) => !present.has(incident)),
    [],
  )
})
