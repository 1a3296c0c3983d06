// DP-3: the running gateway makes backups by itself and on demand, keeps as many as it was told, tells of each in metrics, log and
// record, and raises its voice when the last one is too old.

import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { readLast } from '../../src/audit/tail.ts'
import { send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'
import { operator } from '../fixtures/operator.ts'

const root = mkdtempSync(join(tmpdir(), 'portcullis-schedule-'))
const folder = mkdtempSync(join(root, 'home-'))
const backups = join(root, 'backups')
const run = operator(folder)
const HOUR = 3_600_000

let offset = 0
const clock = { now: () => Date.now() + offset }
let gateway: TestGateway
let recipients: readonly string[]
let identity: string

const start = async (backup: object = {}, schedule: object = {}) => {
  gateway = await startTestGateway({
    folder,
    upstreams: [],
    clock,
    config: {
      listen: { port: 0, metrics: { port: 0 } },
      backup: {
        recipients,
        folder: backups,
        schedule: { everyHours: 1, keep: 2, fullEvery: 2, ...schedule },
        ...backup,
      },
    },
  })
}

before(async () => {
  const [hybrid, classic] = [await generateHybridIdentity(), await generateX25519Identity()]
  recipients = await Promise.all([hybrid, classic].map((one) => identityToRecipient(one)))
  identity = join(root, 'identity.txt')
  writeFileSync(identity, `${classic}\n`, { mode: 0o600 })
  await start()
})
after(async () => {
  await gateway.close()
  rmSync(root, { recursive: true, force: true })
})

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !holds(); await sleep(20)) assert.ok(Date.now() < deadline, 'in time')
}

const made = (): readonly string[] =>
  readdirSync(backups)
    .filter((name) => name.startsWith('portcullis-'))
    .toSorted()
const manifest = (name: string) => JSON.parse(readFileSync(join(backups, name, 'manifest.json'), 'utf8'))
const told = () =>
  (existsSync(join(gateway.auditFolder, '@gateway'))
    ? readLast(join(gateway.auditFolder, '@gateway'), 1_000)
    : []
  ).flatMap((record) => (record.kind === 'change' ? [record] : []))

describe('scheduled backups', () => {
  it('the first is made when the gateway starts, sealed for all recipients, on record and in the log', async () => {
    await until(() => told().some(({ what }) => what === 'backup.created'))
    const [first = ''] = made()
    assert.deepEqual(manifest(first).sealedFor, ['hybrid', 'x25519'])
    assert.equal(manifest(first).privateKeys, false)
    const record = told().find(({ what }) => what === 'backup.created')
    assert.equal(record?.by, 'schedule')
    assert.equal(record?.detail?.['id'], manifest(first).id)
    await until(() => gateway.logged.some((line) => line.includes('a backup was made')))
    const verified = await run('backup', 'verify', join(backups, first), '-i', identity)
    assert.equal(verified.status, 0, verified.err)
  })

  it('without private keys none is in it, and a restore says what is missing before it changes anything', async () => {
    const [first = ''] = made()
    const target = join(root, 'without-keys')
    const restored = await run(
      'backup',
      'restore',
      join(backups, first),
      '-i',
      identity,
      '--to',
      target,
      '--key-id',
      manifest(first).key,
    )
    assert.equal(restored.status, 2)
    assert.match(restored.err, /without private keys.*--lost-audit-key/)
    const names = () => readdirSync(target, { recursive: true }).map(String)
    assert.deepEqual(readdirSync(target), [])
    const again = await run(
      'backup',
      'restore',
      join(backups, first),
      '-i',
      identity,
      '--to',
      target,
      '--key-id',
      manifest(first).key,
      '--lost-audit-key',
    )
    assert.equal(again.status, 0, again.err)
    assert.deepEqual(
      names().filter((name) => /(?:ca|tokens|lock|telemetry|admin)\.key$/.test(name)),
      [],
    )
    const secret = names().filter((name) => {
      const file = join(target, name)
      return statSync(file).isFile() && readFileSync(file).includes('PRIVATE KEY')
    })
    assert.deepEqual(secret, ['state/audit.key'], 'under no other name either')
  })

  it('an operator can have one at once, which continues the last; then old ones go, but none that is continued', async () => {
    for (let turn = 0; turn < 4; turn++) {
      offset += 1_000
      const ran = await run('backup', 'create')
      assert.equal(ran.status, 0, ran.err)
    }
    const kept = made().map(manifest)
    assert.equal(kept.length, 3, 'two, and the one that the older of them continues or is continued by')
    const ids = new Set(kept.map(({ id }) => id))
    for (const { base } of kept) assert.ok(base === undefined || ids.has(base.id))
    for (const name of made())
      assert.equal((await run('backup', 'verify', join(backups, name), '-i', identity)).status, 0)
  })

  it('its age is a metric, and one that is overdue is told', async () => {
    const metrics = async () =>
      (await send(gateway, undefined, { method: 'GET', url: `${gateway.metricsUrl}/metrics`, token: null })).text
    assert.match(await metrics(), /portcullis_backups_made_total 5/)
    const first = Number(/portcullis_backup_age_seconds (\S+)/.exec(await metrics())?.[1])
    offset += 10 * HOUR
    const age = async () => Number(/portcullis_backup_age_seconds (\S+)/.exec(await metrics())?.[1])
    // One reading serves all who ask within a moment.
    for (let found = first; found < first + 35_000; found = await age()) await sleep(50)
    rmSync(backups, { recursive: true })
    writeFileSync(backups, 'no folder')
    let ran = await run('backup', 'create')
    // After the leap of the clock nobody is let in until the revocations have been read once more.
    for (; ran.err.includes('temporarily'); ran = await run('backup', 'create')) await sleep(50)
    assert.equal(ran.status, 69)
    assert.match(ran.err, /No backup was made/)
    assert.ok(told().some(({ what }) => what === 'backup.failed'))
    rmSync(backups)
    await gateway.close()
    offset += HOUR
    await start({ privateKeys: 'included' }, { alertAfterHours: 3 })
    await until(() => gateway.logged.some((line) => line.includes('the last backup is too old')))
    await until(() => told().some(({ what }) => what === 'backup.overdue'))
    await until(() => told().filter(({ what }) => what === 'backup.created').length >= 6)
    assert.equal(manifest(made()[0] ?? '').base, undefined, 'what was continued is gone, so it is a full one')
    assert.equal(manifest(made()[0] ?? '').privateKeys, true, 'as the configuration says now')
  })
})
