// DP-3: a backup of a gateway that serves, everything wiped, put back: the same keys, policies, secrets and chains; and every way
// in which a backup can be less than what was made is told with a sentence and an exit status of its own.

import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { publicAuditKeys } from '../../src/audit/key-file.ts'
import { readLast } from '../../src/audit/tail.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { verify } from 'node:crypto'
import { drillBytes } from '../../src/gateway/drill-report.ts'
import { Canaries } from '../fixtures/canaries.ts'
import { callTool } from '../fixtures/client.ts'
import { type CountingUpstream, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-backup-'))
const folder = join(root, 'home')
const backups = join(root, 'backups')
const run = operator(folder)
const canaries = new Canaries()
const identity = join(root, 'identity.txt')

let upstream: CountingUpstream
let gateway: TestGateway
let recipient: string
let key: string
/** Folders of the first, full backup and of one that continues it. */
let full: string
let next: string
let keyId: string
/** Id of the key of the caller. */
let keyRecord: string

const settings = () => ({
  folder,
  upstreams: [{ name: 'mail', url: upstream.url, http: { vault: { of: 'tenant' } } }],
  policy:
    'permit (principal in Role::"admin", action, resource); permit (principal in Role::"user", action, resource);',
  config: {
    upstreams: {
      mail: {
        trust: 'trusted',
        payloads: { arguments: true, results: true },
        http: { url: upstream.url, plaintext: 'loopback-only', vault: { of: 'tenant' } },
      },
    },
  },
})

/** A secret of the vault travels with each call, so a call that is answered shows that what was sealed opens. */
const secret = canaries.plant('deposited secret', 'deposited-secret-Kd93kfSlq2')

const ok = async (...args: readonly string[]) => {
  const ran = await run(...args)
  assert.equal(ran.status, 0, `${args.join(' ')}\n${ran.err}\n${ran.out}`)
  return ran
}

const call = (text: string) => callTool(gateway, 'echo', { text }, { url: gateway.endpoint('mail'), token: key })

before(async () => {
  upstream = await startCounting()
  mkdirSync(folder)
  gateway = await startTestGateway(settings())
  recipient = (await ok('backup', 'identity', '-o', identity)).out
  key = canaries.plant('API key', await gateway.issue(['user']))
  keyRecord = (await gateway.recordOf(key))?.id ?? ''
  await deposit()
  for (let turn = 0; turn < 20; turn++) assert.equal((await call(`before ${turn}`)).status, 200)
  full = (await ok('backup', 'create', '-o', backups, '-r', recipient, '--with-keys')).out
  assert.equal((await call('between')).status, 200)
  next = (await ok('backup', 'create', '-o', backups, '-r', recipient, '--with-keys', '--since', full)).out
  keyId = JSON.parse(readFileSync(join(next, 'manifest.json'), 'utf8')).key
})
after(async () => {
  await gateway?.close()
  await upstream?.close()
  rmSync(root, { recursive: true, force: true })
})

async function deposit(): Promise<void> {
  const { runCommand } = await import('../../src/cli/main.ts')
  const said: string[] = []
  const status = await runCommand(['credential', 'set', '-u', 'mail'], {
    out: () => {},
    err: (line) => void said.push(line),
    input: async function* () {
      yield Buffer.from(`${secret}\n`)
    },
    environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml') },
    clock: { now: () => Date.now() },
    interrupted: new AbortController().signal,
  })
  assert.equal(status, 0, said.join('\n'))
}

/** A copy of all backups, to be spoilt. */
function copied(): { readonly folder: string; readonly full: string; readonly next: string } {
  const copy = mkdtempSync(join(root, 'copy-'))
  cpSync(backups, copy, { recursive: true })
  const at = (path: string) => join(copy, path.slice(backups.length + 1))
  return { folder: copy, full: at(full), next: at(next) }
}

function flip(file: string, at = Math.floor(statSync(file).size / 2)): void {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] as number) ^ 1
  writeFileSync(file, bytes)
}

describe('a backup of a gateway that serves', () => {
  it('is for its owner alone, and tells nothing without an identity', () => {
    assert.equal(statSync(full).mode & 0o777, 0o700)
    for (const name of readdirSync(full)) assert.equal(statSync(join(full, name)).mode & 0o777, 0o600, name)
    assert.deepEqual(readdirSync(full).toSorted(), [
      'contents.age',
      'files.age',
      'manifest.json',
      'manifest.sig',
      'records.age',
      'store.age',
    ])
    canaries.plant('name of a tool', '"target":{"kind":"tool"')
    canaries.plant('path of a policy', 'access.cedar')
    canaries.plant('name of an upstream', 'upstreams:')
    canaries.plant('private key', readFileSync(join(gateway.stateFolder, 'audit.key'), 'utf8').split('\n')[1] as string)
    assert.deepEqual(canaries.inFolder(backups), [])
    assert.equal(
      readdirSync(gateway.stateFolder).some((name) => name.startsWith('backup-')),
      false,
    )
  })

  it('is on record, before and after', () => {
    const said = readLast(join(gateway.auditFolder, '@gateway'), 1_000).flatMap((record) =>
      record.kind === 'change' ? [record.what] : [],
    )
    assert.deepEqual(
      said.filter((what) => what.startsWith('backup.')),
      ['backup.begun', 'backup.created', 'backup.begun', 'backup.created'],
    )
  })

  it('that continues another holds only what is new of the records', () => {
    const size = (place: string) => statSync(join(place, 'records.age')).size
    assert.ok(size(next) < size(full))
  })

  it('verifies without a secret, and with one down to the last record', async () => {
    const plain = await ok('backup', 'verify', next)
    assert.match(plain.out, /sound, of .*with 1 that it continues/)
    assert.match(plain.err, /Nothing in it was opened/)
    const opened = await ok('backup', 'verify', next, '-i', identity, '--scratch', join(root, 'scratch'))
    assert.match(opened.out, /the store is whole, 2 chains with \d+ records verify/)
    assert.deepEqual(readdirSync(join(root, 'scratch')), [])
  })

  it('holds no key that wraps those of tenants, whatever was asked for', async () => {
    const scratch = mkdtempSync(join(root, 'all-'))
    await ok('backup', 'restore', next, '-i', identity, '--to', scratch, '--key-id', keyId)
    const names = readdirSync(scratch, { recursive: true }).map(String)
    assert.ok(names.includes('state/audit.key') && names.includes('state/store.sqlite'))
    assert.deepEqual(
      names.filter((name) => /vault\.keys|tenant-keys/.test(name)),
      [],
    )
    const wrapping = readFileSync(join(gateway.stateFolder, 'vault.keys'), 'utf8').trim().split(' ')[1] as string
    const hunted = new Canaries()
    hunted.plant('key-encryption key', wrapping)
    hunted.plant('deposited secret', secret)
    assert.deepEqual(hunted.inFolder(scratch), [])
  })
})

describe('a backup that is less than what was made', () => {
  const cases: readonly (readonly [
    what: string,
    spoil: (at: ReturnType<typeof copied>) => void,
    status: number,
    says: RegExp,
  ])[] = [
    [
      'is cut short',
      ({ next: at }) => truncateSync(join(at, 'store.age'), 100),
      65,
      /store\.age: it is cut short, 100 of \d+ bytes/,
    ],
    [
      'was edited by one byte',
      ({ next: at }) => flip(join(at, 'records.age')),
      65,
      /records\.age: its bytes are not those/,
    ],
    [
      'got a byte more',
      ({ next: at }) => writeFileSync(join(at, 'files.age'), 'x', { flag: 'a' }),
      65,
      /files\.age: its bytes are not those/,
    ],
    ['lacks a part', ({ next: at }) => rmSync(join(at, 'files.age')), 66, /files\.age: it is missing/],
    ['lacks its manifest', ({ next: at }) => rmSync(join(at, 'manifest.json')), 66, /was never finished/],
    [
      'lacks what it continues',
      ({ full: at }) => rmSync(at, { recursive: true }),
      66,
      /it continues the backup [0-9a-f]{16}, which is not here/,
    ],
    [
      'has a manifest that was edited',
      ({ next: at }) => edit(join(at, 'manifest.json'), /"madeAt":\d/, '"madeAt":9'),
      68,
      /the signature of the manifest is not valid/,
    ],
    [
      'has a manifest in another spelling',
      ({ next: at }) => edit(join(at, 'manifest.json'), /^\{/, '{ '),
      65,
      /is not one that Portcullis has written/,
    ],
    [
      'has a manifest that is cut short',
      ({ next: at }) => truncateSync(join(at, 'manifest.json'), 50),
      65,
      /the manifest is cut short after 50 bytes/,
    ],
    [
      'has the signature of another',
      ({ full: from, next: to }) => cpSync(join(from, 'manifest.sig'), join(to, 'manifest.sig')),
      68,
      /signature of the manifest is not valid/,
    ],
    [
      'has the manifest of an older one',
      ({ full: from, next: to }) =>
        ['manifest.json', 'manifest.sig'].forEach((name) => cpSync(join(from, name), join(to, name))),
      65,
      /age: (?:its bytes are not those|it is cut short)/,
    ],
    [
      'has a part of an older one',
      ({ full: from, next: to }) => cpSync(join(from, 'store.age'), join(to, 'store.age')),
      65,
      /store\.age: /,
    ],
    [
      'has a file that is not its own',
      ({ next: at }) => writeFileSync(join(at, 'more.age'), ''),
      65,
      /"more\.age" does not belong to it/,
    ],
  ]
  for (const [what, spoil, status, says] of cases) {
    it(`${what}: that is told, and nothing is restored`, async () => {
      const copy = copied()
      spoil(copy)
      const place = join(copy.folder, 'target')
      for (const args of [
        ['verify', copy.next],
        ['restore', copy.next, '-i', identity, '--to', place, '--key', join(gateway.stateFolder, 'audit.key.pub')],
      ]) {
        const ran = await run('backup', ...args)
        assert.equal(ran.status, status, ran.err)
        assert.match(ran.err, says)
      }
      assert.equal(existsSync(join(place, 'state')), false)
    })
  }

  it('is told from one that somebody else has sealed for us', async () => {
    const other = mkdtempSync(join(root, 'other-'))
    const stranger = await startTestGateway({ upstreams: [], folder: other })
    try {
      const ran = await operator(other)('backup', 'create', '-o', join(root, 'forged'), '-r', recipient)
      assert.equal(ran.status, 0, ran.err)
      const forged = await run('backup', 'verify', ran.out, '-i', identity)
      assert.equal(forged.status, 68)
      assert.match(forged.err, /signed with the key [0-9a-f]{32}, which is not known here/)
      const named = await run(
        'backup',
        'restore',
        ran.out,
        '-i',
        identity,
        '--to',
        join(root, 'nowhere'),
        '--key-id',
        keyId,
      )
      assert.equal(named.status, 68)
      assert.equal(existsSync(join(root, 'nowhere')), false)
    } finally {
      await stranger.close()
    }
  })

  it('does not open with the identity of others', async () => {
    const others = join(root, 'others.txt')
    await ok('backup', 'identity', '-o', others)
    const ran = await run('backup', 'verify', next, '-i', others)
    assert.equal(ran.status, 67)
    assert.match(ran.err, /contents\.age: it is sealed for others/)
    writeFileSync(others, 'AGE-SECRET-KEY-PQ-1NONSENSE\n')
    const wrong = await run('backup', 'verify', next, '-i', others)
    assert.equal(wrong.status, 2)
    assert.match(wrong.err, /no identity of age/)
    assert.equal(wrong.err.includes('NONSENSE'), false)
  })
})

function edit(file: string, pattern: RegExp, by: string): void {
  const text = readFileSync(file, 'utf8')
  assert.match(text, pattern)
  writeFileSync(file, text.replace(pattern, by))
}

const POLICY_TESTS = (expect: string) =>
  `[{ name: users may, principal: { roles: [user] }, call: { upstream: mail, tool: echo }, expect: ${expect} }]\n`

describe('a drill', () => {
  it('puts the gateway back in a scratch place, asks it, and signs what it found', async () => {
    const tests = join(root, 'policy-tests.yaml')
    writeFileSync(tests, POLICY_TESTS('allow'))
    const report = join(root, 'drill.json')
    const calls = upstream.seen.length
    const ran = await run(
      'backup',
      'drill',
      next,
      '-i',
      identity,
      '-o',
      report,
      '--policy-tests',
      tests,
      '--scratch',
      join(root, 'drills'),
    )
    assert.equal(ran.status, 0, ran.out)
    const made = JSON.parse(readFileSync(report, 'utf8'))
    assert.equal(made.report.passed, true)
    assert.deepEqual(
      made.report.checks.map(({ name, result }: { name: string; result: string }) => `${name}: ${result}`),
      [
        'restore: passed',
        'configuration: passed',
        'policy tests: passed',
        'start: passed',
        'strangers are refused: passed',
        'a key lets its holder in: passed',
        'chains go on: passed',
        'sealed secrets open: passed',
      ],
    )
    assert.match(ran.out, /1 samples of 1 tenants/)
    const [publicKey] = publicAuditKeys(join(gateway.stateFolder, 'audit.key')).values()
    const signature = Buffer.from(made.signature, 'base64url')
    assert.ok(verify(null, drillBytes(made.report), publicKey as never, signature))
    assert.equal(verify(null, drillBytes({ ...made.report, passed: false }), publicKey as never, signature), false)
    assert.deepEqual(readdirSync(join(root, 'drills')), [])
    assert.equal(upstream.seen.length, calls, 'no upstream was asked')
  })

  it('that finds something wrong says so, goes on, and ends with another status', async () => {
    const tests = join(root, 'wrong-tests.yaml')
    writeFileSync(tests, POLICY_TESTS('deny'))
    const ran = await run('backup', 'drill', next, '-i', identity, '--policy-tests', tests)
    assert.equal(ran.status, 1)
    assert.match(ran.out, /FAILED +policy tests: 1 of 1 failed: users may/)
    assert.match(ran.out, /PASSED +chains go on/)
  })
})

describe('after everything is gone', () => {
  it('a gateway comes back with its keys, policies, secrets and records', async () => {
    // What an operator keeps elsewhere, because no backup holds it.
    const kept = ['vault.keys', 'tenant-keys.sqlite'].map(
      (name) => [name, readFileSync(join(gateway.stateFolder, name))] as const,
    )
    const last = readLast(join(gateway.auditFolder, 'default'), 1_000)
    const revoked = await gateway.issue(['user'])
    await gateway.close()
    rmSync(folder, { recursive: true })
    const refused = await run('backup', 'restore', next, '-i', identity)
    assert.equal(refused.status, 68, 'without a key from elsewhere nobody says whose backup it is')
    const restored = await ok('backup', 'restore', next, '-i', identity, '--key-id', keyId)
    assert.match(restored.err, /Lost is whatever was changed after/)
    assert.match(restored.err, /What is sealed cannot be opened yet/)
    for (const [name, bytes] of kept) writeFileSync(join(folder, 'state', name), bytes, { mode: 0o600 })
    gateway = await startTestGateway(settings())
    assert.equal((await call('after')).status, 200)
    assert.equal(upstream.seen.at(-1)?.headers.authorization, `Bearer ${secret}`, 'what was sealed opens')
    assert.equal(
      (await callTool(gateway, 'echo', {}, { url: gateway.endpoint('mail'), token: revoked })).status,
      401,
      'it was made after the backup',
    )
    const chain = join(gateway.auditFolder, 'default')
    const records = readLast(chain, 1_000)
    const between = last.filter(({ kind }) => kind === 'call').length
    assert.equal(records.filter(({ kind }) => kind === 'call').length, between + 1)
    const told = records.find((record) => record.kind === 'change' && record.what === 'backup.restored')
    assert.ok(told)
    const verdict = verifyChain({
      directory: chain,
      keys: publicAuditKeys(join(gateway.stateFolder, 'audit.key')),
      state: 'growing',
    })
    assert.ok(verdict.sound, JSON.stringify(verdict))
  })

  it('a restore over what is there keeps it, and takes over who was refused since', async () => {
    const lately = await gateway.issue(['user'])
    await ok('key', 'revoke', keyRecord)
    assert.equal((await call('revoked')).status, 401)
    assert.equal((await run('backup', 'restore', next, '-i', identity)).status, 69, 'it runs')
    await gateway.close()
    const again = await run('backup', 'restore', next, '-i', identity)
    assert.equal(again.status, 2)
    assert.match(again.err, /is not empty; .*--replace/)
    const restored = await ok('backup', 'restore', next, '-i', identity, '--replace')
    assert.match(restored.err, /Taken over from the store that was there: \d+ revocations, 0 blocks, [1-9]\d* ended/)
    assert.match(restored.err, /\d+ records after the backup are only in the chains that are kept beside/)
    assert.equal(readdirSync(folder).filter((name) => name.startsWith('state.before-')).length, 1)
    assert.equal(
      readdirSync(folder).some((name) => name.endsWith('.restoring')),
      false,
    )
    gateway = await startTestGateway(settings())
    assert.equal((await call('still revoked')).status, 401)
    assert.equal((await callTool(gateway, 'echo', {}, { url: gateway.endpoint('mail'), token: lately })).status, 401)
    key = await gateway.issue(['user'])
    assert.equal((await call('anew')).status, 200)
    assert.equal(upstream.seen.at(-1)?.headers.authorization, `Bearer ${secret}`, 'the keys of tenants stayed')
  })

  it('a restore that ended between its last two steps is finished by the next', async () => {
    await gateway.close()
    const state = join(folder, 'state')
    const { id } = JSON.parse(readFileSync(join(next, 'manifest.json'), 'utf8'))
    renameSync(state, `${state}.restoring`)
    writeFileSync(join(`${state}.restoring`, 'restored.json'), `${JSON.stringify({ id })}\n`, { mode: 0o600 })
    const ran = await ok('backup', 'restore', next, '-i', identity, '--replace', '--key-id', keyId)
    assert.match(ran.err, /has been put in place/)
    assert.equal(existsSync(join(state, 'restored.json')), false)
    gateway = await startTestGateway(settings())
    assert.equal((await call('finished')).status, 200)
  })

  it('a tenant that was shredded stays unreadable, although the backup is older', async () => {
    await ok('keys', 'shred', 'default', '--yes')
    await gateway.close()
    await ok('backup', 'restore', next, '-i', identity, '--replace')
    gateway = await startTestGateway(settings())
    key = await gateway.issue(['user'])
    const seen = upstream.seen.length
    const reply = await call('shredded')
    assert.ok(reply.status >= 400 || reply.json.error !== undefined, reply.text)
    assert.equal(
      upstream.seen.slice(seen).some(({ headers }) => headers.authorization === `Bearer ${secret}`),
      false,
    )
  })
})
