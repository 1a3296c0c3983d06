/** The attacks of the catalogue as tool calls through a running gateway, whose configuration alone has built the walls. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Attack } from '../../src/sandbox/attack.ts'
import { verdictOf } from '../../src/sandbox/attack.ts'
import { isPromised } from '../../src/sandbox/assault.ts'
import { ATTACKS } from '../../src/sandbox/attacks.ts'
import { EGRESS_ATTACKS } from '../../src/sandbox/attacks/egress.ts'
import { createBubblewrapDriver } from '../../src/sandbox/bubblewrap.ts'
import { type Decoys, layDecoys } from '../../src/sandbox/decoys.ts'
import type { Enforcement } from '../../src/sandbox/driver.ts'
import { upstreamIdentity } from '../../src/sandbox/identity.ts'
import { createTestIdentity } from '../fixtures/certificate.ts'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway, type TestUpstream } from '../fixtures/gateway.ts'

const SERVER = join(import.meta.dirname, '../fixtures/attacker-stdio.ts')
const SOURCE = join(import.meta.dirname, '../../src')
const isRoot = process.getuid?.() === 0

/** As `ATTACK_LIMITS`, but for the memory that the server itself needs. */
const QUOTAS = { memoryMiB: 1024, processes: 64, openFiles: 256, fileMiB: 8, tmpMiB: 4, tmpFiles: 1000 }

/** Node starts with so little only where the limit is that of what is used. */
const LARGEST_MIB = isRoot ? 160 : 700

/** Which sandbox an attack is meant for; the slot is the place in this list. */
const UPSTREAMS = ['closed', 'disk', 'memory', 'busy', 'open', 'rebound'] as const
type UpstreamName = (typeof UPSTREAMS)[number]

function upstreamFor({ place, alone, id }: Attack): UpstreamName {
  if (place === 'egress') return id === 'N04' ? 'rebound' : 'open'
  const { diskBytes, memoryBytes, cpus } = alone?.limits ?? {}
  if (diskBytes !== undefined) return 'disk'
  if (memoryBytes !== undefined) return 'memory'
  return cpus === undefined ? 'closed' : 'busy'
}

interface Ports {
  readonly open: number
  readonly tls: number
}

function sandboxOf(name: UpstreamName, { open, tls }: Ports): object {
  const ports = [open, tls]
  if (name === 'disk') return { ...QUOTAS, diskMiB: 16, diskFiles: 1000 }
  if (name === 'memory') return { ...QUOTAS, memoryMiB: LARGEST_MIB }
  if (name === 'busy') return { ...QUOTAS, cpus: 0.25 }
  if (name === 'open') return { ...QUOTAS, network: { allow: [{ host: 'localhost', ports, private: 'allowed' }] } }
  if (name === 'rebound') return { ...QUOTAS, network: { allow: [{ host: 'localhost', ports }] } }
  return QUOTAS
}

describe(`attacks through the gateway, as ${isRoot ? 'root' : 'an unprivileged user'}`, () => {
  const ending: Array<() => Promise<void> | void> = []
  const decoys = new Map<UpstreamName, Decoys>()
  let enforces: Enforcement
  let gateway: TestGateway
  let knocks = 0

  before(async () => {
    const probe = await createBubblewrapDriver().probe()
    assert.ok(probe.ok)
    enforces = probe.enforces
    const identity = await createTestIdentity(['localhost'])
    const answer = createServer((_, response) => response.end('decoy'))
    const tls = createTlsServer({ key: identity.key, cert: identity.cert }, (_, response) => response.end('decoy'))
    const ports = { open: await listen(answer), tls: await listen(tls) }
    answer.on('connection', () => knocks++)
    ending.push(() => identity.remove(), closing(answer), closing(tls))
    for (const [slot, name] of UPSTREAMS.entries()) {
      const laid = await layDecoys(isRoot ? upstreamIdentity(slot) : undefined)
      ending.push(() => laid.close())
      decoys.set(name, laid)
    }
    const upstreams = UPSTREAMS.map((name) => upstreamOf(name, decoys.get(name) as Decoys, ports))
    gateway = await startTestGateway({
      upstreams,
      config: { limits: { callSeconds: 90 } },
      environment: { PORTCULLIS_TEST_SECRET: 'in the environment of the gateway' },
    })
    ending.push(() => gateway.close())
  })
  after(async () => {
    for (const end of ending.reverse()) await end()
  })

  function upstreamOf(name: UpstreamName, { workspace, library, environment }: Decoys, ports: Ports): TestUpstream {
    const sandbox = { read: [SOURCE, SERVER, library], write: [workspace], ...sandboxOf(name, ports) }
    const env = {
      ...environment,
      VISIBLE: `${environment['VISIBLE']}:${SOURCE}:${process.execPath}`,
      OPEN_HOST: 'localhost',
      REBOUND_HOST: 'localhost',
      TAKE_MIB: `${LARGEST_MIB}`,
      OPEN_PORT: `${ports.open}`,
      TLS_PORT: `${ports.tls}`,
    }
    const deadlines = { startSeconds: 60, idleSeconds: 600 }
    return { name, command: [process.execPath, SERVER], process: 'shared', stdio: { sandbox, env, deadlines } }
  }

  /** What the attack said last; for a server that met its end, the code of the refusal. */
  async function carry(attack: Attack): Promise<string> {
    const name = upstreamFor(attack)
    if (name === 'disk') decoys.get(name)?.tidy()
    const url = gateway.endpoint(name)
    const { json } = await callTool(gateway, 'attack', { id: attack.id }, { url })
    return json.result?.content[0].text ?? json.error.data.code
  }

  it('an allowed host is reached, so that the refusals of others mean something', async () => {
    const script =
      'use IO::Socket::INET; my $s = IO::Socket::INET->new("127.0.0.1:3128"); print $s "GET http://localhost:$ENV{OPEN_PORT}/ HTTP/1.1\\r\\nHost: localhost:$ENV{OPEN_PORT}\\r\\nConnection: close\\r\\n\\r\\n"; local $/; print <$s>'
    const earlier = knocks
    const url = gateway.endpoint('open')
    const { json } = await callTool(gateway, 'run', { argv: ['/usr/bin/perl', '-e', script] }, { url })
    assert.match(json.result.content[0].text, /decoy/)
    assert.equal(knocks, earlier + 1)
  })

  /** With the right words in place of the wrong ones, the same script gets its answer: it is the words that are refused. */
  const RIGHT_WORDS: ReadonlyArray<readonly [id: string, wrong: string, right: string]> = [
    ['N10', '"other.test", "portcullis.test"', '"localhost"'],
    ['N12', 'Host: other.test', 'Host: $host:$open'],
    ['N09', '$closed', '$open'],
  ]
  for (const [id, wrong, right] of RIGHT_WORDS) {
    it(`without its offence ${id} succeeds`, async () => {
      const script = EGRESS_ATTACKS.find((attack) => attack.id === id)?.args[1] ?? ''
      const at = script.lastIndexOf('sub hello')
      const mended = script.slice(0, at) + script.slice(at).replaceAll(wrong, right)
      assert.notEqual(mended, script)
      const url = gateway.endpoint('open')
      const { json } = await callTool(gateway, 'run', { argv: ['/usr/bin/perl', '-e', mended] }, { url })
      assert.equal(json.result.content[0].text, 'breach')
    })
  }

  for (const attack of [...ATTACKS, ...EGRESS_ATTACKS]) {
    it(`holds when an upstream ${attack.title} (${attack.id})`, async () => {
      const told = await carry(attack)
      const ended = attack.alone !== undefined && attack.alone.ends.length > 0 && told.startsWith('upstream.')
      if (ended || verdictOf([told]) === 'held') return
      assert.ok(verdictOf([told]) === 'breach' && !isPromised(attack, enforces), told)
      await assertRefusedWherePromised(attack)
    })
  }

  /** A gateway that is told to require what this host cannot hold does not start. */
  async function assertRefusedWherePromised(attack: Attack): Promise<void> {
    const sandbox = { read: [SOURCE, SERVER], require: Object.keys(attack.needs ?? {}) }
    const upstream = { name: 'strict', command: [process.execPath, SERVER] as const, stdio: { sandbox } }
    await assert.rejects(startTestGateway({ upstreams: [upstream] }), { code: 'sandbox.unavailable' })
  }

  it('what was shown read-only is as it was', () => {
    for (const { library } of decoys.values()) assert.equal(readFileSync(join(library, 'book'), 'utf8'), 'text\n')
  })

  it('the gateway serves on', async () => {
    const { json } = await callTool(gateway, 'run', { argv: ['/bin/echo', 'served'] })
    assert.equal(json.result.content[0].text, 'served')
  })
})

it('the same holds for a gateway that is not root', { skip: !isRoot && 'it is not' }, async () => {
  const identity = ['--reuid=65534', '--regid=65534', '--clear-groups']
  const test = [process.execPath, '--test', '--test-reporter=tap', import.meta.filename]
  const child = spawn('/usr/bin/setpriv', [...identity, ...test], {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  const [code] = await once(child, 'close')
  const wrong = output.split('\n').filter((line) => /not ok|error:/.test(line))
  assert.equal(code, 0, wrong.join('\n'))
  assert.match(output, /ok \d+ - holds when an upstream reads the password hashes/)
})

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const closing = (server: Server) => () => void server.close()
