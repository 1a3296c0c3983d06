import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import fc from 'fast-check'
import { Secret } from '../../src/core/secret.ts'
import { BackupError } from '../../src/data-protection/backup/backup-error.ts'
import { Catalogue } from '../../src/data-protection/backup/catalogue.ts'
import { type Contents, parseContents } from '../../src/data-protection/backup/contents.ts'
import {
  type BackupSigner,
  type Manifest,
  manifestBytes,
  parseManifest,
} from '../../src/data-protection/backup/manifest.ts'
import { openSeries } from '../../src/data-protection/backup/open-backup.ts'
import { packPart } from '../../src/data-protection/backup/pack.ts'
import { identitiesIn, opener, sealer } from '../../src/data-protection/backup/seal.ts'
import { contentsOf, type Open, stage } from '../../src/data-protection/backup/stage.ts'
import { unpackPart } from '../../src/data-protection/backup/unpack.ts'
import {
  newBackupId,
  type PlannedFile,
  writeBackup,
  type WrittenBackup,
} from '../../src/data-protection/backup/write-backup.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-parts-'))
const pair = generateKeyPairSync('ed25519')
const keyId = createHash('sha256')
  .update(pair.publicKey.export({ type: 'spki', format: 'der' }))
  .digest('hex')
  .slice(0, 32)
const signer: BackupSigner = {
  keyId,
  publicKey: pair.publicKey,
  sign: (bytes) => sign(null, bytes, pair.privateKey).toString('base64url'),
}
const keys: ReadonlyMap<string, KeyObject> = new Map([[keyId, pair.publicKey]])
const RUNS = 40
let recipient: string
let open: Open

before(async () => {
  const identity = await generateX25519Identity()
  recipient = await identityToRecipient(identity)
  open = opener({ identities: [new Secret(identity)] })
})
after(() => rmSync(root, { recursive: true, force: true }))

let count = 0
const fresh = (): string => join(root, String(count++))

const planned = (path: string, text: string, held: PlannedFile['before'] = []): PlannedFile => ({
  ...{ root: 'state', path, mode: 0o600, before: held },
  source: { text },
})

async function written(into: string, files: readonly PlannedFile[], base?: WrittenBackup): Promise<WrittenBackup> {
  mkdirSync(into, { recursive: true })
  const made = sealer({ recipients: [recipient] })
  const plan = {
    ...{ into, madeAt: 1_700_000_000_000 + count++, program: 'test 1', privateKeys: false, signer },
    about: {
      roots: { state: '/s', audit: '/s/audit', home: '/h' },
      config: 'portcullis.yaml',
      hasStore: false,
      chains: [],
    },
    files: { store: [], records: [], files },
    packer: { kinds: made.kinds, pack: packPartWith(made) },
    ...(base && { base: { id: base.manifest.id, manifest: base.digest } }),
  }
  return writeBackup(plan, newBackupId())
}

const packPartWith =
  (made: ReturnType<typeof sealer>) => (job: Parameters<typeof packPart>[0], told: (bytes: number) => void) =>
    packPart(job, made, told)

/** Everything that comes back, by its path. */
async function restored(folder: string): Promise<Readonly<Record<string, string>>> {
  const series = openSeries(folder, keys)
  const contents = await contentsOf(series, open)
  const to = fresh()
  await stage(series, contents, open, { state: to, audit: to, home: to, elsewhere: to })
  return Object.fromEntries(contents.files.map(({ path }) => [path, readFileSync(join(to, path), 'utf8')]))
}

describe('a part', () => {
  it('gives back the runs that are asked for, however they lie', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(150_000), { minLength: 1, maxLength: 6 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        async (sizes, wanted) => {
          const texts = sizes.map((size, n) => String(n % 10).repeat(size))
          const out = fresh()
          const { fact, packed } = await packPart(
            { out, name: 'files.age', sources: texts.map((text) => ({ text })) },
            { recipients: [recipient] },
          )
          let offset = 0
          const got = texts.map(() => '')
          const runs = packed.flatMap(({ bytes, sha256 }, n) => {
            const run = {
              offset,
              bytes,
              sha256,
              take: (chunk: Uint8Array) => void (got[n] += Buffer.from(chunk).toString()),
            }
            offset += bytes
            return wanted[n] === true ? [run] : []
          })
          await unpackPart({ file: out, fact, place: 'p', open, runs: runs.toReversed() })
          for (const [n, text] of texts.entries()) assert.ok(got[n] === (wanted[n] === true ? text : ''), `run ${n}`)
          rmSync(out)
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('of a file that became shorter is not made', async () => {
    const file = fresh()
    writeFileSync(file, 'abc')
    const job = { out: fresh(), name: 'files.age', sources: [{ file, from: 0, bytes: 4 }] }
    await assert.rejects(packPart(job, { recipients: [recipient] }), /became shorter/)
  })
})

describe('a series', () => {
  it('gives back what its last backup held', async () => {
    const into = fresh()
    const first = await written(into, [planned('grows', 'one'), planned('goes', 'x'), planned('empty', '')])
    const held = (path: string) => first.contents.files.find((file) => file.path === path)?.pieces ?? []
    const second = await written(
      into,
      [planned('grows', ' two', held('grows')), planned('empty', '', held('empty')), planned('new', 'n')],
      first,
    )
    assert.deepEqual(await restored(second.folder), { grows: 'one two', empty: '', new: 'n' })
    assert.deepEqual(await restored(first.folder), { grows: 'one', goes: 'x', empty: '' })
  })

  it('that was edited anywhere by one bit is refused', async () => {
    const into = fresh()
    const first = await written(into, [planned('grows', 'one')])
    const second = await written(into, [planned('grows', ' two', first.contents.files[0]?.pieces)], first)
    const files = [first, second].flatMap(({ folder }) => readdirSync(folder).map((name) => join(folder, name)))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(7),
        async (file, place, bit) => {
          const bytes = readFileSync(file)
          const at = Math.floor(place * statSync(file).size)
          const spoilt = Buffer.from(bytes)
          spoilt[at] = (spoilt[at] as number) ^ (1 << bit)
          // A line end behind the signature is no part of it.
          if (file.endsWith('.sig') && spoilt.toString().trim() === bytes.toString().trim()) return
          writeFileSync(file, spoilt)
          try {
            await assert.rejects(restored(second.folder), BackupError)
          } finally {
            writeFileSync(file, bytes)
          }
        },
      ),
      { numRuns: 150 },
    )
    assert.deepEqual(await restored(second.folder), { grows: 'one two' })
  })

  it('whose base was made anew under its name is refused', async () => {
    const into = fresh()
    const first = await written(into, [planned('a', '1')])
    const second = await written(into, [planned('b', '2')], first)
    const other = await written(fresh(), [planned('a', 'other')])
    rmSync(first.folder, { recursive: true })
    cpSync(other.folder, first.folder, { recursive: true })
    assert.throws(() => openSeries(second.folder, keys), { name: 'BackupError', code: 'changed' })
  })

  it('leaves nothing when it cannot be made', async () => {
    const into = fresh()
    mkdirSync(into)
    const gone = { ...planned('x', ''), source: { file: join(into, 'none'), from: 0, bytes: 'all' } } as const
    await assert.rejects(written(into, [gone]), { code: 'ENOENT' })
    assert.deepEqual(readdirSync(into), [])
  })
})

describe('what a backup says of itself', () => {
  const manifest: Manifest = {
    ...{
      format: 'portcullis-backup-1',
      id: '0123456789abcdef',
      madeAt: 1,
      program: 'p',
      privateKeys: false,
      sealedFor: ['x25519'],
    },
    parts: [{ name: 'files.age', bytes: 1, sha256: 'a'.repeat(64) }],
    ...{ key: 'b'.repeat(32), publicKey: 'x' },
  }
  const bad: readonly (readonly [what: string, change: object])[] = [
    ['a part that lies elsewhere', { parts: [{ name: '../x.age', bytes: 1, sha256: 'a'.repeat(64) }] }],
    ['a part with no digest', { parts: [{ name: 'x.age', bytes: 1 }] }],
    ['an id that is a path', { id: '../../etc/passwd' }],
    ['a time that is none', { madeAt: 'now' }],
    ['a base that is none', { base: { id: 'x', manifest: 'y' } }],
    ['no list of parts', { parts: 'all' }],
  ]
  for (const [what, change] of bad) {
    it(`${what} is refused`, () => {
      const bytes = manifestBytes({ ...manifest, ...change })
      assert.throws(() => parseManifest(bytes, 'p'), { name: 'BackupError', code: 'changed' })
    })
  }

  it('in a format of later is told as such', () => {
    const bytes = manifestBytes({ ...manifest, format: 'portcullis-backup-2' } as unknown as Manifest)
    assert.throws(() => parseManifest(bytes, 'p'), /another format \(portcullis-backup-2\)/)
  })

  const contents: Contents = {
    ...{
      format: 'portcullis-backup-contents-1',
      id: 'x',
      madeAt: 1,
      config: 'portcullis.yaml',
      hasStore: false,
      chains: [],
    },
    ...{ roots: { state: '/s', audit: '/a', home: '/h' }, files: [] },
  }
  const strays: readonly (readonly [root: string, path: string])[] = [
    ['state', '../../etc/passwd'],
    ['state', '/etc/passwd'],
    ['home', 'a/../../b'],
    ['audit', 'a//b'],
    ['audit', ''],
    ['home', 'a\0b'],
    ['elsewhere', 'relative'],
    ['elsewhere', '/etc/../../../somewhere'],
    ['elsewhere', '/'],
    ['anywhere', 'a'],
  ]
  for (const [at, path] of strays) {
    it(`a file at ${JSON.stringify(path)} of ${at} is refused`, () => {
      const file = { root: at, path, mode: 0o600, pieces: [] }
      assert.throws(() => parseContents(Buffer.from(JSON.stringify({ ...contents, files: [file] })), 'p'), {
        name: 'BackupError',
        code: 'unsound',
      })
    })
  }
})

describe('what is remembered of backups', () => {
  it('does not count those of a clock that was ahead, so that the next is made, and opens', async () => {
    const catalogue = new Catalogue(fresh())
    const entry = (id: string, madeAt: number) => ({
      ...{ id: id.repeat(16), madeAt, manifest: '', folder: '/b', depth: 0, contents: {} as Contents },
    })
    await catalogue.add(entry('a', 1_000))
    await catalogue.add(entry('b', 99_000))
    assert.equal(catalogue.newest(2_000)?.madeAt, 1_000)
    assert.equal(catalogue.newest(99_000)?.madeAt, 99_000)
    assert.equal(catalogue.newest(500), undefined)
  })
})

describe('who can open a backup', () => {
  it('a recipient that is none is refused before anything is sealed', () => {
    for (const recipients of [[], ['age1nonsense'], ['ssh-ed25519 AAAA'], [`${recipient}x`]])
      assert.throws(() => sealer({ recipients }), { name: 'BackupError', code: 'refused' })
  })

  it('an identity is never repeated in what is told', () => {
    assert.throws(
      () => opener({ identities: [new Secret('AGE-SECRET-KEY-1SECRETSECRET')] }),
      (error: Error) => {
        assert.equal(error.message.includes('SECRETSECRET'), false)
        return error instanceof BackupError && error.cause === undefined
      },
    )
    assert.throws(() => identitiesIn('# nothing', 'f'), /f holds no identity/)
    assert.equal(identitiesIn('# made\r\nAGE-SECRET-KEY-1A\r\n', 'f')[0]?.reveal(), 'AGE-SECRET-KEY-1A')
  })
})
