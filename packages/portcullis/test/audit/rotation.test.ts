/** AU-3: one key follows another, in the chains and on disk, wherever a crash comes between; nothing follows by itself. */
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { appendFiles } from '../../src/audit/append-file.ts'
import { CHAIN_RULES } from '../../src/audit/chain.ts'
import { checkpointSigner, type CheckpointSigner, readCheckpointPublicKey } from '../../src/audit/checkpoint.ts'
import { openAuditKey, publicAuditKeys, readHistory, replaceLostKey, rotateKeyFile } from '../../src/audit/key-file.ts'
import { lastKeyOf } from '../../src/audit/last-key.ts'
import { ChainLedger } from '../../src/audit/ledger.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { callNumber, clock, newFolder, openChain, privateKey, quickFiles } from './fixtures.ts'

const NOW = clock.now()

function place() {
  const folder = newFolder()
  const [path, chains] = [join(folder, 'audit.key'), join(folder, 'audit')]
  mkdirSync(chains)
  return { folder, path, chains, pub: `${path}.pub` }
}

const openLedger = (directory: string, signer: CheckpointSigner, tenants: readonly string[] = []) =>
  ChainLedger.open({
    ...{ directory, signer, clock, rules: CHAIN_RULES, program: 'test', weaknesses: [], tenants },
    openFile: appendFiles(quickFiles),
  })

/** A chain of each tenant, signed by the key of the place. */
async function chainsIn({ path, chains }: ReturnType<typeof place>): Promise<void> {
  const ledger = await openLedger(chains, openAuditKey(path, chains), ['acme', 'other'])
  await ledger.append('acme', callNumber(1))
  await ledger.close()
}

test('the old private key is gone, its public half stays, and the history leads from the one to the other', async () => {
  const own = place()
  await chainsIn(own)
  const [first] = readCheckpointPublicKey(own.pub)
  const old = readFileSync(own.path, 'utf8')
  const signer = rotateKeyFile(own.path, own.chains, NOW)
  const kept = readdirSync(own.folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  assert.deepEqual(kept.map(({ name }) => name).toSorted(), [
    'audit.key',
    `audit.key.${first}.pub`,
    'audit.key.history',
    'audit.key.pub',
  ])
  for (const { name } of kept)
    assert(!readFileSync(join(own.folder, name), 'utf8').includes(old.split('\n')[1] as string))
  assert.deepEqual([...publicAuditKeys(own.path).keys()], [signer.keyId, first])
  assert.equal(openAuditKey(own.path, own.chains).keyId, signer.keyId)
})

test('a chain that was not open says so when it is opened, even after several keys, and one key is enough to verify it', async () => {
  const own = place()
  await chainsIn(own)
  copyFileSync(own.pub, join(own.folder, 'first.pub'))
  rotateKeyFile(own.path, own.chains, NOW)
  const signer = rotateKeyFile(own.path, own.chains, NOW)
  const ledger = await openLedger(own.chains, signer)
  assert.deepEqual([...ledger.heads.keys()].toSorted(), ['acme', 'other'], 'both were behind')
  await ledger.close()
  for (const tenant of ['acme', 'other']) {
    const directory = join(own.chains, tenant)
    assert.equal(lastKeyOf(directory), signer.keyId)
    for (const file of [join(own.folder, 'first.pub'), own.pub]) {
      const verdict = verifyChain({ directory, keys: new Map([readCheckpointPublicKey(file)]), current: signer.keyId })
      assert(verdict.sound, JSON.stringify(verdict))
    }
  }
})

test('a running ledger signs with the new key from the next record on, and tells which chains it could not reach', async () => {
  const own = place()
  await chainsIn(own)
  const ledger = await openLedger(own.chains, openAuditKey(own.path, own.chains), ['acme'])
  writeFileSync(
    join(own.chains, 'other', '000000000000001.jsonl'),
    `${readFileSync(join(own.chains, 'other', '000000000000001.jsonl'), 'utf8')}{}\n`,
  )
  const signer = rotateKeyFile(own.path, own.chains, NOW)
  assert.deepEqual(await ledger.rotate(signer), { key: signer.keyId, chains: 1, waiting: ['other'] })
  await ledger.append('acme', callNumber(2))
  await ledger.close()
  const verdict = verifyChain({
    directory: join(own.chains, 'acme'),
    keys: publicAuditKeys(own.path),
    current: signer.keyId,
  })
  assert(verdict.sound, JSON.stringify(verdict))
})

test('a disk that fails at the rotation loses nothing: the chain says it when it is whole again', async () => {
  const own = place()
  await chainsIn(own)
  let isFull = false
  const write: typeof quickFiles.write = (...args) =>
    isFull ? Promise.reject(new Error('ENOSPC')) : quickFiles.write(...args)
  const directory = join(own.chains, 'acme')
  const chain = openChain(directory, {
    signer: openAuditKey(own.path, own.chains),
    openFile: appendFiles({ ...quickFiles, write }),
    rules: { ...CHAIN_RULES, probeMs: 5 },
  })
  isFull = true
  const signer = rotateKeyFile(own.path, own.chains, NOW)
  await assert.rejects(chain.rotate(signer))
  isFull = false
  while (!chain.intact) await new Promise((resolve) => setTimeout(resolve, 5))
  await chain.close()
  const verdict = verifyChain({ directory, keys: publicAuditKeys(own.path), current: signer.keyId })
  assert(verdict.sound, JSON.stringify(verdict))
})

test('a crash at any step of a rotation leaves one key, and the next start goes on', () => {
  const own = place()
  const first = openAuditKey(own.path, own.chains).keyId
  const before = new Map(
    readdirSync(own.folder)
      .filter((name) => name.startsWith('audit.key'))
      .map((name) => [name, readFileSync(join(own.folder, name))]),
  )
  const second = rotateKeyFile(own.path, own.chains, NOW).keyId
  const key = readFileSync(own.path)
  const history = readFileSync(`${own.path}.history`)
  const reset = (files: Readonly<Record<string, Buffer>>) => {
    for (const name of readdirSync(own.folder)) if (name.startsWith('audit.key')) rmSync(join(own.folder, name))
    for (const [name, bytes] of [...before, ...Object.entries(files)])
      writeFileSync(join(own.folder, name), bytes, { mode: 0o600 })
  }
  for (const [files, expected] of [
    [{ 'audit.key.next': key.subarray(0, 20) }, first],
    [{ 'audit.key.next': key }, first],
    [{ 'audit.key.next': key, 'audit.key.history': history.subarray(0, 50) }, first],
    [{ 'audit.key.next': key, 'audit.key.history': history }, second],
    [{ 'audit.key.next': key, 'audit.key.history': history, 'audit.key.pub': Buffer.alloc(0) }, second],
  ] as const) {
    reset(files)
    if ('audit.key.pub' in files) rmSync(own.pub)
    const { keyId } = openAuditKey(own.path, own.chains)
    assert.equal(keyId, expected)
    assert.equal(existsSync(`${own.path}.next`), false)
    assert.equal(readCheckpointPublicKey(own.pub)[0], expected)
    assert.notEqual(rotateKeyFile(own.path, own.chains, NOW).keyId, expected)
    assert.equal(readHistory(own.path).at(-1)?.old, expected)
  }
})

test('no key is made where chains are and the key is gone; what is lost is replaced in so many words only', async () => {
  const own = place()
  await chainsIn(own)
  const first = readFileSync(own.path)
  rmSync(own.path)
  assert.throws(() => openAuditKey(own.path, own.chains), /is gone, but there are chains/)
  assert.throws(() => rotateKeyFile(own.path, own.chains, NOW), /is gone, but there are chains/)
  assert.equal(existsSync(own.path), false)
  const old = readCheckpointPublicKey(own.pub)
  const signer = replaceLostKey(own.path, own.chains, NOW)
  assert.throws(() => replaceLostKey(own.path, own.chains, NOW), /without --lost/)
  await (await openLedger(own.chains, signer)).close()
  const directory = join(own.chains, 'acme')
  const verdictBy = (...keys: readonly (readonly [string, (typeof old)[1]])[]) =>
    verifyChain({ directory, keys: new Map(keys) })
  assert.match(JSON.stringify(verdictBy(old)), /unknown key/, 'the old key vouches for nothing after it')
  assert.equal(verdictBy(old, readCheckpointPublicKey(own.pub)).sound, true)
  assert.equal(verdictBy(readCheckpointPublicKey(own.pub)).sound, true)
  writeFileSync(own.path, first, { mode: 0o600 })
  assert.throws(() => openAuditKey(own.path, own.chains), /took its place/)
})

test('a chain is not continued with a key to which nothing leads', async () => {
  const own = place()
  await chainsIn(own)
  await assert.rejects(
    openLedger(own.chains, checkpointSigner(privateKey), ['acme']),
    /signed with the key .*put that key back/,
  )
})

test('there is nothing to lose where nothing was signed, and a damaged history is told', () => {
  const own = place()
  assert.throws(() => replaceLostKey(own.path, own.chains, NOW), /no chain .* was ever signed/)
  openAuditKey(own.path, own.chains)
  writeFileSync(`${own.path}.history`, 'not JSON\n')
  assert.throws(() => openAuditKey(own.path, own.chains), /history is damaged/)
})
