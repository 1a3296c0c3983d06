/** Real containers: podman as root with runc, an image made of programs of this host. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Secret } from '../../../src/core/secret.ts'
import type { Access, NetworkAccess } from '../../../src/sandbox/access.ts'
import { type Finding, assault } from '../../../src/sandbox/assault.ts'
import { ATTACK_LIMITS, ATTACKS } from '../../../src/sandbox/attacks.ts'
import { findTool } from '../../../src/sandbox/child.ts'
import { type ContainerOptions, createContainerDriver } from '../../../src/sandbox/container/container.ts'
import { type Decoys, layDecoys } from '../../../src/sandbox/decoys.ts'
import type { LaunchSpec, SandboxDriver } from '../../../src/sandbox/driver.ts'
import { ownMark } from '../../../src/sandbox/mark.ts'
import { selectDriver } from '../../../src/sandbox/select.ts'
import { buildImage, type TestImage } from './container-image.ts'
import { commandLineOf, isRoot, NODE_MODULES, outcomeOf, processesWith, runAs, specOf, until } from './fixture.ts'

const ENGINE = '/usr/bin/podman'
const missing = !isRoot || findTool('podman') === undefined || findTool('catatonit') === undefined

const engine = (...args: readonly string[]) => execFileSync(ENGINE, [...args], { encoding: 'utf8' }).trim()
const containers = () =>
  engine('ps', '--all', '--format', '{{.Names}}')
    .split('\n')
    .filter((name) => name.startsWith(`${ownMark()}-`))

/** What an engine does otherwise than bubblewrap, and why it opens no way out. The first three have tests of their own. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'F03.directories': 'the engine puts two files of its own into /run',
  E01: 'the engine sets HOSTNAME, to the name that we gave',
  K13: 'libseccomp kills a process that makes a call of another ABI',
  Q15: "the limit is that of the account, which is the upstream's own",
}

let image: TestImage
let driver: SandboxDriver
let directory: string
const driverWith = (changes: Partial<ContainerOptions> = {}) =>
  createContainerDriver({ engine: 'podman', image: image.name, ...changes })
const run = async (spec: LaunchSpec) => outcomeOf(await driver.launch(spec))

async function refusal(
  work: Promise<unknown>,
): Promise<{ readonly code: string; readonly detail: Record<string, string> }> {
  return work.then(
    () => assert.fail('it was not refused'),
    (fault) => fault,
  )
}

/** A folder that the upstream owns. */
function ownFolder(name: string): string {
  const path = join(directory, name)
  mkdirSync(path)
  if (runAs !== undefined) chownSync(path, runAs.uid, runAs.gid)
  return path
}

describe('a container', { skip: missing && 'needs podman, catatonit and root' }, () => {
  before(() => {
    image = buildImage(`${process.pid}`)
    driver = driverWith()
    directory = mkdtempSync(join(tmpdir(), 'portcullis-container-'))
    chmodSync(directory, 0o755)
  })
  after(() => {
    image.remove()
    rmSync(directory, { recursive: true })
  })

  it('is proved by a probe that runs no program of the image', async () => {
    const { probe } = await selectDriver(
      'container',
      { container: { engine: 'podman', image: image.name } },
      { memory: 'cgroup', processes: 'cgroup', cpu: 'cgroup', network: 'transparent' },
    )
    assert.match(probe.version, /^podman \d/)
    assert.deepEqual([probe.enforces.disk, probe.enforces.tmpFiles], ['watched', 'hard'])
  })

  describe('against the attacks', () => {
    let decoys: Decoys
    let findings: ReadonlyMap<string, Finding>
    before(async () => {
      decoys = await layDecoys(runAs)
      const probe = await driver.probe()
      assert.ok(probe.ok, JSON.stringify(probe))
      const found = await assault(ATTACKS, { driver, enforces: probe.enforces, decoys, runAs })
      findings = new Map(found.map((finding) => [finding.attack.id, finding]))
    })
    after(() => decoys.close())

    for (const { id, title } of ATTACKS) {
      const otherwise = OTHERWISE[id]
      it(`${otherwise === undefined ? 'holds' : `differs, because ${otherwise},`} when an upstream ${title} (${id})`, () => {
        const { verdict, told } = findings.get(id) ?? assert.fail('it was not run')
        if (otherwise === undefined) assert.equal(verdict, 'held', told)
        else assert.notEqual(verdict, 'held', 'the exception is not needed any more')
      })
    }

    it('/run holds the files of the engine, which say nothing, and every other folder of the host nothing', async () => {
      const line =
        'ls -A /run | tr "\\n" " "; cat /run/.containerenv; for d in /root /srv /var /mnt /opt /boot /media /sys; do ls -A $d; done; echo end'
      assert.deepEqual((await run(specOf(`${line} 2>/dev/null`))).lines, ['.containerenv podman-init end'])
    })

    it('the environment is what was listed, and the name that we gave', async () => {
      const { lines } = await run(specOf('tr "\\0" "\\n" < /proc/$$/environ | sort', { env: { A: 'b', PATH: '/bin' } }))
      assert.deepEqual(lines, [
        ...[
          'A=b',
          'HOME=/home/sandbox',
          'HOSTNAME=sandbox',
          'LANG=C.UTF-8',
          'PATH=/bin',
          'TMPDIR=/tmp',
          'USER=sandbox',
        ],
      ])
    })

    it('a call of another ABI kills the process that makes it', { skip: process.arch !== 'x64' }, async () => {
      const { lines } = await run(specOf(`perl -e 'syscall(0x40000000 + 39); print "lived\\n"'; echo "status $?"`))
      assert.deepEqual(lines, ['status 159']) // 128 and SIGSYS
    })
  })

  it('a server from npm answers initialize and tools/list inside', async () => {
    const script = join(NODE_MODULES, '@modelcontextprotocol', 'server-everything', 'dist', 'index.js')
    const confined = await driver.launch({
      ...specOf(''),
      command: process.execPath,
      args: [script],
      readOnly: [NODE_MODULES, dirname(process.execPath)],
      limits: { ...ATTACK_LIMITS, memoryBytes: 512 << 20, fileBytes: 64 << 20, lifeMs: 60_000 },
    })
    const answers = new Map<unknown, { result: { tools?: ReadonlyArray<{ name: string }> } }>()
    const send = (message: object) => confined.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    confined.onLine((line) => {
      const message = JSON.parse(line.toString('utf8'))
      answers.set(message.id, message)
      if (message.id === 1) send({ method: 'notifications/initialized' })
      if (message.id === 1) send({ id: 2, method: 'tools/list', params: {} })
      if (message.id === 2) void confined.stop()
    })
    const clientInfo = { name: 'test', version: '1' }
    send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } })
    const { stderrTail } = await confined.exited
    assert.ok(
      answers.get(2)?.result.tools?.some(({ name }) => name === 'echo'),
      stderrTail,
    )
  })

  describe('its end', () => {
    it('comes with the end of its input, with SIGTERM, and with force, daemons included', async () => {
      const quiet = await driver.launch(specOf('echo up; cat'))
      quiet.onLine(() => {})
      assert.deepEqual([(await quiet.stop()).reason, (await quiet.exited).code], ['exited', 0])
      const polite = await driver.launch(specOf('trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.1; done'))
      const said: string[] = []
      polite.onLine((line) => said.push(line.toString('utf8')))
      await until(() => said.length > 0)
      assert.equal((await polite.stop(1500)).code, 5)
      assert.deepEqual(said, ['up', 'bye'])
      const line = `trap "" TERM; (setsid sh -c 'trap "" TERM; : mark-container-a; sleep 60' >/dev/null 2>&1 &); echo up; sleep 60`
      const stubborn = await driver.launch(specOf(line))
      stubborn.onLine(() => {})
      assert.equal((await stubborn.stop(300)).reason, 'stopped')
      assert.deepEqual(processesWith('mark-container-a'), [])
      assert.deepEqual(containers(), [])
    })

    it('comes at its deadline and at its memory limit, and says which', async () => {
      const late = await run(specOf('sleep 60', { limits: { ...ATTACK_LIMITS, lifeMs: 500 } }))
      assert.equal(late.reason, 'life-deadline')
      const line = `perl -e 'my $x = "x" x (200 << 20); print "lived\\n"'`
      const hungry = await run(specOf(line, { limits: { ...ATTACK_LIMITS, memoryBytes: 64 << 20 } }))
      assert.deepEqual([hungry.reason, hungry.lines], ['out-of-memory', []])
      assert.deepEqual(containers(), [])
    })

    it("comes with that of the engine's command line", async () => {
      const confined = await driver.launch(specOf('echo up; : mark-container-b; sleep 60'))
      confined.onLine(() => {})
      process.kill(confined.pid, 'SIGKILL')
      await confined.exited
      assert.deepEqual([processesWith('mark-container-b'), containers()], [[], []])
    })

    it('comes with that of the gateway, however it dies, and nothing is left', async () => {
      const script = fileURLToPath(new URL('./container-gateway.ts', import.meta.url))
      const line = `(setsid sh -c ': mark-container-c; sleep 300' >/dev/null 2>&1 &); echo up; sleep 300`
      const gateway = spawn(process.execPath, [script, image.name, line], { stdio: ['ignore', 'pipe', 'inherit'] })
      const [said] = (await once(gateway.stdout, 'data')) as [Buffer]
      assert.equal(said.toString('utf8'), 'up\n')
      const left = () => readdirSync(tmpdir()).filter((name) => name.includes(`-${gateway.pid}-`))
      const named = () => engine('ps', '--all', '--format', '{{.Names}}').includes(`-${gateway.pid}-`)
      assert.ok(named() && left().length === 1)
      gateway.kill('SIGKILL')
      await until(() => processesWith('mark-container-c').length === 0 && !named() && left().length === 0)
    })
  })

  it('what a gateway left that died together with its guard is swept by the next one', async () => {
    const [, namespace] = ownMark().split('-')
    const name = `portcullis-${namespace}-999999999-1-1`
    engine('create', `--name=${name}`, `--label=portcullis=${name}`, '--network=none', image.name, '/bin/sh')
    const folder = join(tmpdir(), `portcullis-${namespace}-999999999-1-abc`)
    mkdirSync(folder)
    assert.ok((await driverWith().probe()).ok)
    assert.ok(!engine('ps', '--all', '--format', '{{.Names}}').includes(name))
    assert.ok(!existsSync(folder))
  })

  it('no secret is in a command line, and no variable becomes two', async () => {
    const confined = await driver.launch(
      specOf('echo "$TOKEN"; sleep 60', { env: { TOKEN: new Secret('very-secret-word') } }),
    )
    const said: string[] = []
    confined.onLine((line) => said.push(line.toString('utf8')))
    await until(() => said.length > 0)
    assert.deepEqual(said, ['very-secret-word'])
    const pids = readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0)
    assert.deepEqual(
      pids.filter((pid) => commandLineOf(pid).includes('very-secret-word')),
      [],
    )
    confined.kill('killed')
    await confined.exited
    await assert.rejects(driver.launch(specOf('true', { env: { A: 'b\nLD_PRELOAD=x' } })), {
      code: 'sandbox.start_failed',
    })
  })

  it('shows paths with their access, and nothing of the gateway inside of them', async () => {
    const shown = ownFolder('shown')
    const notes = ownFolder('shown/notes')
    const state = ownFolder('shown/state')
    writeFileSync(join(state, 'key'), 'KEY\n')
    writeFileSync(join(shown, 'book'), 'text\n')
    const careful = driverWith({ hidden: [state] })
    const line = `cat ${shown}/book; echo a > ${notes}/a && echo wrote; (echo b > ${shown}/b) 2>/dev/null || echo kept; cat ${state}/key 2>/dev/null; ls ${state} 2>/dev/null; echo end`
    const spec = specOf(line, { readOnly: [shown], readWrite: [notes] })
    const outcome = await outcomeOf(await careful.launch(spec))
    assert.deepEqual(outcome.lines, ['text', 'wrote', 'kept', 'end'], outcome.stderrTail)
    assert.equal(readFileSync(join(notes, 'a'), 'utf8'), 'a\n')
    await assert.rejects(careful.launch(specOf('true', { readOnly: [state] })), { code: 'sandbox.start_failed' })
    await assert.rejects(careful.launch(specOf('true', { readWrite: ['/usr'] })), { code: 'sandbox.start_failed' })
  })

  it('a command that is not in the image ends at once, with the words of the init', async () => {
    const { code, stderrTail } = await run({ ...specOf(''), command: '/no/such/program' })
    assert.ok(code !== null && code > 0)
    assert.match(stderrTail, /No such file/)
    assert.deepEqual(containers(), [])
  })

  it('an engine that forgets a wall starts nothing', async () => {
    const proof = ownFolder('proof')
    for (const forgotten of [
      '--memory=*|--memory-swap=*',
      '--read-only',
      '--network=*',
      '--security-opt=no-new-privileges',
    ]) {
      const forgetful = join(directory, 'forgetful')
      const loop = `for each; do shift; case "$each" in ${forgotten}) ;; *) set -- "$@" "$each" ;; esac; done`
      writeFileSync(forgetful, `#!/bin/sh\n${loop}\nexec ${ENGINE} "$@"\n`, { mode: 0o755 })
      const mistaken = driverWith({ findTool: (name) => (name === 'podman' ? forgetful : findTool(name)) })
      const fault = await refusal(mistaken.launch(specOf(`touch ${proof}/ran`, { readWrite: [proof] })))
      assert.match(fault.detail['reason'] ?? '', /^the engine did not take/, forgotten)
    }
    assert.deepEqual([readdirSync(proof), containers()], [[], []])
  })

  it('counts what is used, and ends what fills a folder or a volume', async () => {
    const folder = ownFolder('filled')
    const accesses: Access[] = []
    const onAccess = (access: Access) => accesses.push(access)
    const limits = { ...ATTACK_LIMITS, diskBytes: 4 << 20 }
    const fill = (where: string) =>
      `echo word > ${where}/first; for n in 1 2 3 4 5 6 7 8; do head -c 1048576 /dev/zero > ${where}/$n; done; sleep 5`
    const full = await driver.launch(specOf(fill(folder), { readWrite: [folder], limits, onAccess }))
    assert.equal((await full.exited).reason, 'disk-quota')
    assert.ok(((await full.usage()).diskBytes ?? 0) > 0)
    assert.ok(accesses.some((access) => access.kind === 'file' && access.path === join(folder, 'first')))
    const volume = { folder: join(directory, 'volumes'), name: 'data', at: '/data', bytes: 2 << 20, files: 100 }
    assert.equal((await run(specOf(fill('/data'), { volumes: [volume] }))).reason, 'disk-quota')
    const { lines } = await run(specOf('cat /data/first', { volumes: [{ ...volume, bytes: 64 << 20 }] }))
    assert.deepEqual(lines, ['word'])
    const busy = await driver.launch(specOf('echo up; sleep 60 & wait'))
    await new Promise<void>((resolve) => busy.onLine(() => resolve()))
    const usage = await busy.usage()
    assert.ok((usage.memoryBytes ?? 0) > 0 && (usage.processes ?? 0) >= 2, JSON.stringify(usage))
    busy.kill('killed')
    await busy.exited
  })

  describe('its network', () => {
    const server = createServer((_, response) => response.end('word\n'))
    let port: number
    before(async () => {
      server.listen({ host: '127.0.0.1', port: 0 })
      await once(server, 'listening')
      port = (server.address() as AddressInfo).port
    })
    after(() => server.close())

    const accessTo = (mode: NetworkAccess['mode']): NetworkAccess => ({
      mode,
      allow: [{ host: 'localhost', ports: [port], privateAddresses: true }],
      maxBytes: 1 << 20,
      maxConnections: 8,
      connectTimeoutMs: 5000,
      idleTimeoutMs: 5000,
    })

    it('reaches what the rules name through the proxy, and nothing else', async () => {
      const ask = (host: string) =>
        `perl -e 'use IO::Socket::INET; my ($h, $p) = $ENV{HTTP_PROXY} =~ m{//(.*):(\\d+)}; my $s = IO::Socket::INET->new(PeerAddr => $h, PeerPort => $p, Timeout => 5) or die; print $s "GET http://${host}:${port}/ HTTP/1.1\\r\\nHost: ${host}:${port}\\r\\nConnection: close\\r\\n\\r\\n"; print while <$s>'`
      const accesses: Access[] = []
      const changes = { network: accessTo('explicit'), onAccess: (access: Access) => void accesses.push(access) }
      const { lines } = await run(
        specOf(`${ask('localhost')} | tail -n 1; ${ask('other.example')} | head -n 1`, changes),
      )
      assert.equal(lines[0], 'word')
      assert.match(lines[1] ?? '', /^HTTP\/1\.1 403/)
      assert.deepEqual(
        accesses.flatMap((access) => (access.kind === 'egress' ? [[access.host, access.allowed]] : [])),
        [
          ['localhost', true],
          ['other.example', false],
        ],
      )
    })

    it('has no way past the rules', async () => {
      const connect = (address: string, to: number) =>
        `perl -e 'use IO::Socket::INET; print IO::Socket::INET->new(PeerAddr => "${address}", PeerPort => ${to}, Timeout => 2) ? "open\\n" : "closed\\n"'`
      const line = `${connect('127.0.0.1', port)}; ${connect('192.0.2.1', 80)}; ls /sys/class/net 2>/dev/null; grep -c : /proc/net/dev`
      assert.deepEqual((await run(specOf(line, { network: accessTo('explicit') }))).lines, ['closed', 'closed', '1'])
    })

    it('answers names itself in transparent mode', async () => {
      const line = 'cat /etc/resolv.conf; echo x 2>/dev/null > /etc/resolv.conf || echo kept'
      assert.deepEqual((await run(specOf(`(${line}) 2>/dev/null`, { network: accessTo('transparent') }))).lines, [
        'nameserver 127.0.0.1',
        'kept',
      ])
    })
  })
})
