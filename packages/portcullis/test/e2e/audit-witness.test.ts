/** AU-3, CO-4: the key of the chains is replaced while calls run, a witness finds what was cut off, and a caller can show a receipt. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastKeyOf } from '../../src/audit/last-key.ts'
import { RECEIPT } from '../../src/audit/receipt.ts'
import { runCommand } from '../../src/cli/main.ts'
import { recordsOf, verdictsOf } from '../fixtures/audit.ts'
import { callTool, openSession, send } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-witness-'))
const witness = join(folder, 'witness.jsonl')
const TOKEN = 'canary-token-of-the-witness'
let upstream: CountingUpstream
let gateway: TestGateway
/** What the service answers, and what it got. */
let answer = 200
const posted: { readonly authorization: string | undefined; readonly body: string }[] = []
const service = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    posted.push({ authorization: request.headers.authorization, body: Buffer.concat(chunks).toString() })
    response.writeHead(answer).end()
  })
})

async function start(): Promise<TestGateway> {
  const { port } = service.address() as AddressInfo
  return startTestGateway({
    folder,
    upstreams: [{ name: 'counting', url: upstream.url }],
    environment: { WITNESS_TOKEN: `Bearer ${TOKEN}` },
    config: {
      listen: { port: 0, metrics: { port: 0 } },
      audit: {
        checkpointEverySeconds: 1,
        receipts: 'every-answer',
        witness: {
          volume: { file: { path: 'witness.jsonl', sameDevice: 'allowed' } },
          notary: {
            required: true,
            maxLagSeconds: 2,
            https: {
              url: `http://127.0.0.1:${port}/positions`,
              plaintext: 'loopback-only',
              headers: { authorization: { env: 'WITNESS_TOKEN' } },
            },
          },
        },
      },
    },
  })
}

before(async () => {
  upstream = await startCounting([ECHO])
  await new Promise<void>((listening) => service.listen(0, '127.0.0.1', listening))
  gateway = await start()
})
after(async () => {
  await gateway.close()
  await upstream.close()
  service.closeAllConnections()
  service.close()
  rmSync(folder, { recursive: true, force: true })
})

async function command(...args: readonly string[]) {
  const out: string[] = []
  const err: string[] = []
  const status = await runCommand(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    environment: { PORTCULLIS_CONFIG: join(folder, 'portcullis.yaml'), WITNESS_TOKEN: 'x' },
    clock: { now: () => Date.now() },
    interrupted: new AbortController().signal,
  })
  return { status, out: out.join('\n'), err: err.join('\n') }
}

const ready = () => send(gateway, undefined, { url: `${gateway.metricsUrl}/readyz`, method: 'GET', token: null })
const metrics = async () =>
  (await send(gateway, undefined, { url: `${gateway.metricsUrl}/metrics`, method: 'GET', token: null })).text

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isSo()) return
    await sleep(50)
  }
  assert.fail(`it never came to this: ${what}`)
}

describe('a receipt', () => {
  test('comes with each result, and is valid with the chain and without it', async () => {
    const headers = await openSession(gateway)
    const params = { name: 'echo', arguments: { text: 'y' } }
    const session = await send(gateway, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, { headers })
    for (const { text } of [await callTool(gateway, 'echo', { text: 'x' }), session]) {
      const file = join(folder, 'answer.json')
      writeFileSync(file, text)
      const verdict = await command('audit', 'verify-receipt', file)
      assert.equal(verdict.status, 0, verdict.out)
      assert.match(verdict.out, /^valid: record \d+ of default, .*it is in the chain; the result is the one/)
      const alone = await command(
        'audit',
        'verify-receipt',
        file,
        '--no-chain',
        '--key',
        join(gateway.stateFolder, 'audit.key.pub'),
      )
      assert.match(alone.out, /^valid: .*no chain was looked at/)
    }
  })

  test('is not valid for another result, and names the outcome of its very call', async () => {
    const { json } = await callTool(gateway, 'echo', { text: 'x' })
    const { result } = json as { result: { _meta: Record<string, { statement: Record<string, unknown> }> } }
    const statement = result._meta[RECEIPT]?.statement
    const record = recordsOf(gateway).find(({ hash }) => hash === statement?.['hash'])
    assert.deepEqual([record?.kind, record?.seq, record?.at], ['outcome', statement?.['sequence'], statement?.['at']])
    const file = join(folder, 'changed.json')
    writeFileSync(file, JSON.stringify({ ...result, content: [{ type: 'text', text: 'another' }] }))
    const verdict = await command('audit', 'verify-receipt', file)
    assert.equal(verdict.status, 1, verdict.out)
    assert.match(verdict.out, /another result/)
  })

  test('is no part of a refusal', async () => {
    const { text } = await callTool(gateway, 'unknown')
    assert(!text.includes(RECEIPT))
  })
})

describe('a new key', () => {
  test('takes over while the gateway runs, in all chains, and the old one is gone', async () => {
    const { stateFolder, auditFolder } = gateway
    await callTool(gateway, 'echo', {}, { token: null })
    const signed = (tenant: string) => lastKeyOf(join(auditFolder, tenant)) !== undefined
    await until('both chains are signed', () => signed('default') && signed('@gateway'))
    const key = readFileSync(join(stateFolder, 'audit.key'), 'utf8')
    const calls = Array.from({ length: 20 }, (_, n) => callTool(gateway, 'echo', { text: String(n) }))
    const rotated = await command('audit', 'rotate-key')
    assert.equal(rotated.status, 0, rotated.err)
    assert((await Promise.all(calls)).every(({ status }) => status === 200))
    assert.notEqual(readFileSync(join(stateFolder, 'audit.key'), 'utf8'), key)
    assert.equal(existsSync(join(stateFolder, 'audit.key.next')), false)
    assert.equal(lastKeyOf(join(auditFolder, 'default')), lastKeyOf(join(auditFolder, '@gateway')))
    const kinds = recordsOf(gateway).map((record) => ('what' in record ? record.what : record.kind))
    assert.equal(kinds.filter((kind) => kind === 'key').length, 2)
    assert(kinds.includes('audit.key-rotated'))
    for (const [chain, verdict] of verdictsOf(gateway)) assert.equal(verdict.sound, true, chain)
    assert.equal((await command('audit', 'verify')).status, 0)
  })

  test('takes over while no gateway runs', async () => {
    await gateway.close()
    const rotated = await command('audit', 'rotate-key')
    assert.equal(rotated.status, 0, rotated.err)
    assert.equal((await command('audit', 'verify')).status, 0)
    gateway = await start()
    assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
  })

  test('is not made by itself when the old one is gone', async () => {
    await gateway.close()
    const key = join(gateway.stateFolder, 'audit.key')
    renameSync(key, `${key}.away`)
    await assert.rejects(start(), /audit\.key is gone, but there are chains .*put the key back.*rotate-key --lost/)
    assert.equal(existsSync(key), false)
    assert.equal((await command('audit', 'rotate-key')).status, 69)
    const lost = await command('audit', 'rotate-key', '--lost')
    assert.equal(lost.status, 0, lost.err)
    assert.equal((await command('audit', 'verify')).status, 0, 'its own keys are known here')
    const first = await command('audit', 'verify', '--folder', gateway.auditFolder, '--key', `${key}.${firstKey()}.pub`)
    assert.match(first.out, /BROKEN .*unknown key/, 'nobody else has to believe a key that nothing leads to')
    gateway = await start()
    assert.equal((await callTool(gateway, 'echo', { text: 'x' })).status, 200)
  })

  test('is needed: one from an old backup signs nothing', async () => {
    await gateway.close()
    const key = join(gateway.stateFolder, 'audit.key')
    copyFileSync(key, `${key}.kept`)
    copyFileSync(`${key}.away`, key)
    await assert.rejects(start(), /took its place/)
    copyFileSync(`${key}.kept`, key)
    gateway = await start()
  })
})

const firstKey = (): string => {
  const [line = ''] = readFileSync(join(gateway.stateFolder, 'audit.key.history'), 'utf8').split('\n')
  return (JSON.parse(line) as { old: string }).old
}

describe('a witness', () => {
  test('is told of each checkpoint', async () => {
    await callTool(gateway, 'echo', { text: 'x' })
    const last = recordsOf(gateway).findLast(({ kind }) => kind === 'checkpoint')?.hash
    await until(
      'a further checkpoint is posted',
      () => posted.length > 0 && !posted.at(-1)?.body.includes(String(last)),
    )
    assert.equal(posted.at(-1)?.authorization, `Bearer ${TOKEN}`)
    assert.match(readFileSync(witness, 'utf8'), /^\n?\{"tenant":"/)
    const verdict = await command('audit', 'verify', '--witness')
    assert.equal(verdict.status, 0, verdict.out)
    assert.match(verdict.out, /default: sound, .*, \d+ positions that witnesses saw/)
  })

  test('that is required and cannot be told ends all calls, before their upstream', async () => {
    answer = 500
    await until('a call is refused', async () => {
      const { status } = await callTool(gateway, 'echo', { text: 'x' })
      return status === 503
    })
    const reached = upstream.count()
    const refused = await callTool(gateway, 'echo', { text: 'x' })
    assert.match(refused.text, /audit\.witness_behind/)
    assert.equal(upstream.count(), reached)
    assert.match((await ready()).text, /not ready: .*witness/)
    assert.match(await metrics(), /portcullis_witness_failing\{witness="notary"\} 1/)
    assert(gateway.logged.some((line) => line.includes('could not be told') && line.includes('notary')))
    assert(!gateway.logged.some((line) => line.includes(TOKEN)))
    answer = 200
    await until('calls are taken again', async () => (await callTool(gateway, 'echo', { text: 'x' })).status === 200)
    await until('it is ready', async () => (await ready()).status === 200)
  })

  test('finds a chain that was cut, and one that is gone', async () => {
    await gateway.close()
    const chain = join(gateway.auditFolder, 'default')
    const file = join(chain, '000000000000001.jsonl')
    const whole = readFileSync(file, 'utf8')
    const lines = whole.split('\n').slice(0, -1)
    const cut = lines.findLastIndex((line) => line.includes('"kind":"checkpoint"')) - 1
    writeFileSync(file, `${lines.slice(0, cut).join('\n')}\n`)
    assert.equal((await command('audit', 'verify', '--tenant', 'default')).status, 0, 'nothing in the chain shows it')
    const found = await command('audit', 'verify', '--witness', witness)
    assert.equal(found.status, 1)
    assert.match(found.out, /default: BROKEN .*a witness saw record/)
    renameSync(chain, join(folder, 'gone'))
    assert.match((await command('audit', 'verify', '--witness')).out, /default: BROKEN .*it is not there/)
    renameSync(join(folder, 'gone'), chain)
    writeFileSync(file, whole)
    assert.equal((await command('audit', 'verify', '--witness')).status, 0)
    gateway = await start()
  })
})

test('a witness on the device of the chains is refused unless it is spelled out', async () => {
  const near = mkdtempSync(join(tmpdir(), 'portcullis-near-'))
  const config = { audit: { witness: { near: { file: { path: 'w.jsonl' } } } } }
  await assert.rejects(
    startTestGateway({ folder: near, upstreams: [], config }),
    /on the same device .*sameDevice: allowed/,
  )
  rmSync(near, { recursive: true })
})
