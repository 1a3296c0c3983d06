/** AU-3: a real git repository with a remote, and a real time stamping authority of OpenSSL behind HTTP, as witnesses of real chains. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { CHAIN_RULES } from '../../../src/audit/chain.ts'
import type { SignedStatement } from '../../../src/audit/checkpoint.ts'
import { createLogger } from '../../../src/audit/log.ts'
import { verifyChain } from '../../../src/audit/verify.ts'
import { imprintOf } from '../../../src/audit/witness/time-stamp-witness.ts'
import { parseWitness } from '../../../src/audit/witness/statement.ts'
import { readWitnesses } from '../../../src/cli/witness-places.ts'
import { parseConfig } from '../../../src/config/load.ts'
import { buildWitnesses } from '../../../src/gateway/build-witness.ts'
import { verifyTimeStamp } from '../../../src/pki/time-stamp.ts'
import { Anchors, certificatesIn } from '../../../src/pki/validation/anchors.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { callNumber, keys, newFolder, openChain } from '../fixtures.ts'

const folder = newFolder()
const inFolder = (name: string) => join(folder, name)
const openssl = (...args: readonly string[]) =>
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], timeout: 30_000 })
const git = (...args: readonly string[]) =>
  execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })

/** Signs whatever it is asked to, as `openssl ts` does. */
let disguise = (response: Buffer): Buffer => response
const authority = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    writeFileSync(inFolder('query.tsq'), Buffer.concat(chunks))
    openssl('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'query.tsq', '-out', 'reply.tsr')
    const answer = disguise(readFileSync(inFolder('reply.tsr')))
    response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(answer)
  })
})

const CNF = `
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamper]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = tsa1
[tsa1]
serial = serial
signer_cert = tsa.crt
certs = ca.crt
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
`

function issue(name: string, section: string): void {
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
  )
  const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-days', '2', '-extfile', 'tsa.cnf', '-extensions', section]
  openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-set_serial', String(1 + name.length), '-out', `${name}.crt`)
}

before(async () => {
  writeFileSync(inFolder('tsa.cnf'), CNF)
  writeFileSync(inFolder('access.cedar'), 'permit (principal, action, resource);')
  writeFileSync(inFolder('serial'), '01\n')
  const self = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-config', 'tsa.cnf', '-extensions', 'ca']
  openssl('req', ...self, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=ca')
  openssl('req', ...self, '-keyout', 'other.key', '-out', 'other.crt', '-subj', '/CN=other')
  issue('tsa', 'stamper')
  await new Promise<void>((listening) => authority.listen(0, '127.0.0.1', listening))
})
after(() => {
  authority.closeAllConnections()
  authority.close()
})

/** Witnesses as a configuration names them, and a chain that they watch. */
function watched(witness: object) {
  const file = inFolder('portcullis.yaml')
  const config = parseConfig(
    JSON.stringify({ version: 1, state: 'state', policy: { files: ['access.cedar'] }, audit: { witness } }),
    file,
    {},
  )
  const logged: string[] = []
  const log = createLogger({ level: 'debug', format: 'json', sink: { write: (line) => logged.push(line) } })
  mkdirSync(inFolder('state/audit'), { recursive: true })
  const layout = { audit: inFolder('state/audit') }
  const witnesses = buildWitnesses({
    config,
    layout,
    clock: systemClock,
    log,
    environment: {},
    prover: () => () => () => Promise.resolve(),
  })
  const chain = newFolder()
  const statements: SignedStatement[] = []
  const opened = openChain(chain, {
    clock: systemClock,
    rules: { ...CHAIN_RULES, checkpointRecords: 2 },
    onDurable: (sequence) => witnesses.hears('acme', sequence),
    onCheckpoint: (statement) => {
      statements.push(statement)
      witnesses.take(statement)
    },
  })
  const end = async () => {
    for (let n = 1; n <= 6; n++) await opened.append(callNumber(n))
    await opened.close()
    await witnesses.close()
  }
  return { chain, end, statements, logged }
}

function expectFound(chain: string, lines: readonly SignedStatement[]): void {
  const verdict = verifyChain({ directory: chain, keys, witnessed: lines })
  assert(verdict.sound && verdict.witnessed > 0, JSON.stringify(verdict))
  const file = join(chain, '000000000000001.jsonl')
  const text = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  writeFileSync(file, `${text.slice(0, -3).join('\n')}\n`)
  const cut = verifyChain({ directory: chain, keys, witnessed: lines })
  assert(!cut.sound && /a witness saw record/.test(cut.problem), JSON.stringify(cut))
}

describe('a git repository', () => {
  test('keeps a commit for each note, and its remote has it before it counts', async () => {
    git('init', '--quiet', 'work')
    git('init', '--quiet', '--bare', 'far')
    git('-C', 'work', 'remote', 'add', 'far', inFolder('far'))
    // What the repository itself would run is not run.
    const hook = inFolder('work/.git/hooks/reference-transaction')
    writeFileSync(hook, `#!/bin/sh\ntouch '${inFolder('ran')}'\n`, { mode: 0o755 })
    const { chain, end, logged } = watched({ git: { git: { repository: 'work', remote: 'far' } } })
    await end()
    assert.deepEqual(
      logged.filter((line) => line.includes('could not')),
      [],
    )
    assert.throws(() => readFileSync(inFolder('ran')))
    for (const path of ['work', 'far']) {
      const { lines } = await readWitnesses([{ path: inFolder(path) }], undefined)
      assert(lines.length > 0, path)
      if (path === 'far') expectFound(chain, lines)
    }
    assert.equal(git('-C', 'work', 'status', '--porcelain'), '', 'nothing is checked out')
    assert.equal(git('-C', 'far', 'ls-tree', '-r', 'portcullis-audit'), '')
  })

  test('whose remote was rewritten takes nothing more, and that is told', async () => {
    rmSync(inFolder('far'), { recursive: true })
    git('init', '--quiet', '--bare', 'far')
    git('init', '--quiet', 'other')
    git('-C', 'other', '-c', 'user.name=x', '-c', 'user.email=x@x', 'commit', '--quiet', '--allow-empty', '-m', 'x')
    git('-C', 'other', 'push', '--quiet', inFolder('far'), 'HEAD:refs/heads/portcullis-audit')
    const { end, logged } = watched({ git: { git: { repository: 'work', remote: 'far' } } })
    await end()
    assert(logged.some((line) => line.includes('could not be told')))
    assert.equal(git('-C', 'far', 'rev-list', '--count', 'portcullis-audit').trim(), '1')
  })
})

describe('a time stamping authority', () => {
  const timestamp = (authorities = 'ca.crt') => {
    const { port } = authority.address() as AddressInfo
    const url = `http://127.0.0.1:${port}/`
    return { url, authorities, path: 'stamps.jsonl', sameDevice: 'allowed', privateNetworks: ['127.0.0.0/8'] }
  }

  test('stamps each checkpoint, and the stamps can be checked later, by OpenSSL too', async () => {
    const { chain, end, logged } = watched({ tsa: { timestamp: timestamp() } })
    await end()
    assert.deepEqual(
      logged.filter((line) => line.includes('could not')),
      [],
    )
    const { lines, stamped } = await readWitnesses([{ path: inFolder('stamps.jsonl') }], inFolder('ca.crt'))
    assert(lines.length > 0 && stamped === lines.length)
    const [line] = lines
    assert(line?.timestamp !== undefined)
    writeFileSync(inFolder('token.der'), Buffer.from(line.timestamp, 'base64'))
    const digest = ['-digest', imprintOf(line).toString('hex'), '-token_in', '-in', 'token.der']
    openssl('ts', '-verify', ...digest, '-CAfile', 'ca.crt')
    const moved = { ...line, sequence: line.sequence + 1 }
    writeFileSync(inFolder('moved.jsonl'), JSON.stringify(moved))
    await assert.rejects(readWitnesses([{ path: inFolder('moved.jsonl') }], inFolder('ca.crt')), /about something else/)
    await assert.rejects(readWitnesses([{ path: inFolder('stamps.jsonl') }], inFolder('other.crt')), /no path leads/)
    expectFound(chain, lines)
  })

  test('is not believed when its answer was changed, is an old one, or of another authority', async () => {
    const real = readFileSync(inFolder('reply.tsr'))
    for (const [authorities, change] of [
      ['other.crt', (response: Buffer) => response],
      ['ca.crt', () => real],
      [
        'ca.crt',
        (response: Buffer) => Buffer.concat([response.subarray(0, -1), Buffer.of((response.at(-1) as number) ^ 1)]),
      ],
      ['ca.crt', () => Buffer.from('3005300302010200', 'hex').subarray(0, 7)],
    ] as const) {
      rmSync(inFolder('stamps.jsonl'), { force: true })
      disguise = change
      const { end, logged } = watched({ tsa: { timestamp: timestamp(authorities) } })
      await end()
      disguise = (response) => response
      assert(
        logged.some((line) => line.includes('could not be told')),
        authorities,
      )
      assert.throws(() => readFileSync(inFolder('stamps.jsonl')), 'nothing is kept')
    }
  })

  test('has no byte in its token by which it would tell something else', async () => {
    const { lines } = parseWitness(await stampedLines())
    const [line] = lines
    assert(line?.timestamp !== undefined)
    const token = Buffer.from(line.timestamp, 'base64')
    const anchors = new Anchors([readFileSync(inFolder('ca.crt'), 'utf8')])
    const question = { imprint: imprintOf(line), anchors }
    // The certificate of the authority comes from us, whatever the token brings.
    const root = certificatesIn(readFileSync(inFolder('ca.crt'), 'utf8'))[0] as Buffer
    const from = token.indexOf(root)
    assert(from > 0)
    const time = await verifyTimeStamp(token, question)
    let believed = 0
    for (let at = 0; at < token.length; at++) {
      if (at === from) at += root.length
      const changed = Buffer.from(token)
      changed[at] = (changed[at] as number) ^ 1
      const told = await verifyTimeStamp(changed, question).catch(() => undefined)
      assert(told === undefined || told === time, `byte ${at}`)
      if (told !== undefined) believed++
    }
    // Versions, a list of digests that are named again, and parameters of algorithms that have none.
    assert(believed < 40, `${believed}`)
  })

  async function stampedLines(): Promise<string> {
    rmSync(inFolder('stamps.jsonl'), { force: true })
    const { end } = watched({ tsa: { timestamp: timestamp() } })
    await end()
    return readFileSync(inFolder('stamps.jsonl'), 'utf8')
  }
})
