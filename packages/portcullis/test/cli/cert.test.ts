/** Certificates while no gateway runs: the same commands, on the same ledger, on record in the same chain. */
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { desk } from './desk.ts'

test('cert issue, renew, list, revoke and trust work without a gateway', async (context) => {
  const { folder, run } = desk(context)
  await run('init', '--dir', folder)
  const at = (name: string) => join(folder, name)
  const issued = await run(
    'cert',
    'issue',
    '-u',
    'server',
    '-n',
    'gate.example',
    '192.0.2.7',
    '--expires',
    '10d',
    '-o',
    at('gate'),
  )
  assert.equal(issued.status, 0, issued.err.join('\n'))
  const [serial = ''] = issued.out
  const made = new X509Certificate(readFileSync(at('gate.crt')))
  assert.equal(made.serialNumber.toLowerCase(), serial)
  assert.equal(made.subjectAltName, 'DNS:gate.example, IP Address:192.0.2.7')
  assert.equal(statSync(at('gate.key')).mode & 0o777, 0o600)
  assert.ok(made.checkPrivateKey(createPrivateKey(readFileSync(at('gate.key')))))
  rmSync(at('state/authority/issuer/root.key'))
  const renewed = await run('cert', 'renew', serial, '-o', at('next'))
  assert.equal(renewed.status, 0, renewed.err.join('\n'))
  assert.equal((await run('cert', 'revoke', serial.toUpperCase(), '--reason', 'superseded')).status, 0)
  const listed = (await run('cert', 'list')).out.join('\n')
  assert.match(listed, new RegExp(`${serial} +server +revoked: superseded .*gate.example`))
  assert.match(listed, new RegExp(`${renewed.out[0]} +server +good`))
  const own = (await run('cert', 'list', '--json')).out
    .map((line) => JSON.parse(line))
    .find(({ tenant, use }) => tenant === '@gateway' && use === 'server')
  assert.match((await run('cert', 'renew', own.serial)).err.join(), /renews its own certificates while it runs/)
  const trust = await run('cert', 'trust', '--json')
  assert.deepEqual(JSON.parse(trust.out[0] ?? '').rootKey, 'away')
  const verified = await run('audit', 'verify')
  assert.equal(verified.status, 0, verified.err.join('\n'))
})

test('nothing is written over, and no key stays behind when nothing was issued', async (context) => {
  const { folder, run } = desk(context)
  await run('init', '--dir', folder)
  const out = join(folder, 'one')
  writeFileSync(`${out}.crt`, 'mine')
  assert.match(
    (await run('cert', 'issue', '-u', 'client', '-n', 'a.example', '-o', out)).err.join(),
    /one\.crt is there already/,
  )
  assert.equal(readFileSync(`${out}.crt`, 'utf8'), 'mine')
  const other = join(folder, 'two')
  const damaged = join(folder, 'state', 'authority', 'issuer', 'ledger.jsonl')
  writeFileSync(damaged, readFileSync(damaged, 'utf8').replace('"server"', '"client"'))
  const refused = await run('cert', 'issue', '-u', 'client', '-n', 'a.example', '-o', other)
  assert.equal(refused.status, 1)
  assert.match(refused.err.join(), /The ledger of certificates authority\/issuer\/ledger\.jsonl is damaged in line \d+/)
  assert.deepEqual(
    ['.crt', '.key'].filter((end) => existsSync(other + end)),
    [],
  )
})
