// DP-3: a part that is sealed for a passphrase opens with it and with nothing else. Each try takes a second or two: scrypt is meant to.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import { packPart } from '../../../src/data-protection/backup/pack.ts'
import { opener } from '../../../src/data-protection/backup/seal.ts'
import { unpackPart } from '../../../src/data-protection/backup/unpack.ts'

test('a passphrase opens what was sealed for it, another does not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-passphrase-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'files.age')
  const passphrase = new Secret('correct horse battery staple')
  const { fact, packed } = await packPart({ out: file, name: 'files.age', sources: [{ text: 'held' }] }, { passphrase })
  const [run] = packed
  assert.ok(run)
  let got = ''
  const runs = [{ offset: 0, ...run, take: (chunk: Uint8Array) => void (got += Buffer.from(chunk).toString()) }]
  const job = { file, fact, place: 'p', runs }
  await unpackPart({ ...job, open: opener({ identities: [], passphrase }) })
  assert.equal(got, 'held')
  const wrong = opener({ identities: [], passphrase: new Secret('wrong horse battery staple') })
  await assert.rejects(unpackPart({ ...job, open: wrong }), { name: 'BackupError', code: 'not-for-you' })
  assert.equal(got, 'held')
})
