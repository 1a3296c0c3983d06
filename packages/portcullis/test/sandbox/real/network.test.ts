/** Networks of sandboxes on a real kernel, with the programs that people run in them. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../../src/core/clock.ts'
import { Secret } from '../../../src/core/secret.ts'
import { passingAuthority } from '../../../src/pki/passing-authority.ts'
import type { NetworkAccess, NetworkRule } from '../../../src/sandbox/access.ts'
import { verdictOf } from '../../../src/sandbox/attack.ts'
import { NODE_MODULES } from './fixture.ts'
import { attackLine, NETWORK_ATTACKS } from './network-attacks.ts'
import { buildNetworkWorld, type NetworkWorld, runWithNetwork } from './network-world.ts'

const MODES = ['explicit', 'transparent'] as const
const ABSTRACT = `portcullis-test-${process.pid}`
const directory = mkdtempSync(join(tmpdir(), 'portcullis-network-'))
chmodSync(directory, 0o755)

let world: NetworkWorld
const abstract = createServer((socket) => socket.end('abstract'))

before(async () => {
  makeRepository()
  world = await buildNetworkWorld((request, response) => {
    const file = request.url?.startsWith('/repository/') ? join(directory, request.url.split('?')[0] ?? '') : undefined
    if (file === undefined)
      response.end(
        `hello ${request.headers.authorization === undefined ? 'from the host' : `to ${request.headers.authorization}`}\n`,
      )
    else if (existsSync(file)) response.end(readFileSync(file))
    else response.writeHead(404).end()
  })
  abstract.listen({ path: `\0${ABSTRACT}` })
  await once(abstract, 'listening')
})

after(() => {
  world.close()
  abstract.close()
  rmSync(directory, { recursive: true })
})

/** A repository that any server of files can serve (git-update-server-info(1)). */
function makeRepository(): void {
  if (!existsSync('/usr/bin/git')) return
  const git = (...args: readonly string[]) =>
    execFileSync('/usr/bin/git', args, {
      cwd: directory,
      env: { HOME: directory, PATH: '/usr/bin:/bin' },
      stdio: 'pipe',
    })
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'init.defaultBranch=main']
  git(...author, 'init', '--quiet', 'source')
  git(...author, '-C', 'source', 'commit', '--quiet', '--allow-empty', '--message', 'first')
  git(...author, 'clone', '--quiet', '--bare', 'source', 'repository')
  git(...author, '-C', 'repository', 'update-server-info')
}

const NODE_24 = join(NODE_MODULES, '.bin', 'node')
const FETCH = `fetch(process.argv[1]).then((answer) => answer.text()).then((text) => console.log(text.trim()), (problem) => console.log(problem.message, problem.cause))`
const PYTHON = 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode().strip())'
const PYTHON_TLS =
  'import socket, ssl, sys; s = ssl.create_default_context().wrap_socket(socket.create_connection((sys.argv[1], int(sys.argv[2]))), server_hostname=sys.argv[1]); s.sendall(b"GET / HTTP/1.0\\r\\nHost: %s:%s\\r\\n\\r\\n" % (sys.argv[1].encode(), sys.argv[2].encode())); print(s.makefile().read().split("\\n")[-2])'
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

interface Client {
  /** Also run where TLS is opened. */
  readonly opened?: true
  readonly title: string
  readonly program: string
  readonly line: string
  readonly modes: readonly NetworkAccess['mode'][]
}

/** Programs that know no proxy work in transparent mode alone. */
// biome-ignore format: one client a row
const CLIENTS: readonly Client[] = [
  { opened: true, title: 'curl over TLS', program: '/usr/bin/curl', line: 'curl -sS https://open.test:$HTTPS_PORT/', modes: MODES },
  { title: 'curl over HTTP', program: '/usr/bin/curl', line: 'curl -sS http://a.wild.test:$HTTP_PORT/', modes: MODES },
  { title: 'curl over SOCKS', program: '/usr/bin/curl', line: 'curl -sS -x socks5h://127.0.0.1:3128 https://open.test:$HTTPS_PORT/', modes: MODES },
  { title: 'curl without a proxy', program: '/usr/bin/curl', line: "curl -sS --noproxy '*' https://open.test:$HTTPS_PORT/", modes: ['transparent'] },
  { title: 'wget over TLS', program: '/usr/bin/wget', line: 'wget -qO- --ca-certificate=$SSL_CERT_FILE https://open.test:$HTTPS_PORT/', modes: MODES },
  { opened: true, title: 'fetch of Node 24', program: NODE_24, line: `${NODE_24} -e ${quoted(FETCH)} https://open.test:$HTTPS_PORT/`, modes: MODES },
  { opened: true, title: 'fetch of a Node that knows no proxy', program: NODE_24, line: `unset NODE_USE_ENV_PROXY; ${NODE_24} -e ${quoted(FETCH)} https://open.test:$HTTPS_PORT/`, modes: ['transparent'] },
  { opened: true, title: 'fetch of the Node of the host', program: '/usr/bin/node', line: `/usr/bin/node -e ${quoted(FETCH)} https://open.test:$HTTPS_PORT/`, modes: ['transparent'] },
  { opened: true, title: 'urllib of Python', program: '/usr/bin/python3', line: `/usr/bin/python3 -c ${quoted(PYTHON)} https://open.test:$HTTPS_PORT/`, modes: MODES },
  { opened: true, title: 'ssl of Python', program: '/usr/bin/python3', line: `/usr/bin/python3 -c ${quoted(PYTHON_TLS)} open.test $HTTPS_PORT`, modes: ['transparent'] },
  { opened: true, title: 's_client of OpenSSL', program: '/usr/bin/openssl', line: `printf 'GET / HTTP/1.0\\r\\nHost: open.test:%s\\r\\n\\r\\n' $HTTPS_PORT | openssl s_client -quiet -ign_eof -verify_return_error -connect open.test:$HTTPS_PORT -servername open.test 2>/dev/null`, modes: ['transparent'] },
  { title: 'git over HTTP', program: '/usr/bin/git', line: 'git clone -q http://open.test:$HTTP_PORT/repository /tmp/clone && git -C /tmp/clone log --format="tformat:hello from the host"', modes: MODES },
]

for (const mode of MODES) {
  describe(`a network in ${mode} mode`, () => {
    for (const { title, program, line, modes } of CLIENTS) {
      if (!modes.includes(mode) || !existsSync(program)) continue
      it(`carries ${title}`, async () => {
        const outcome = await runWithNetwork(world, mode, line, { readOnly: [world.caFile, NODE_MODULES] })
        assert.equal(outcome.lines.at(-1), 'hello from the host', JSON.stringify(outcome))
        const carried = outcome.accesses.filter(({ protocol }) => protocol !== 'dns')
        assert.ok(carried.length > 0 && carried.every(({ allowed, address }) => allowed && address === '127.0.0.1'))
      })
    }

    for (const { title, attempt } of NETWORK_ATTACKS) {
      it(`holds when a server ${title}`, async () => {
        const arrivals = world.arrivals()
        const resolved = world.resolved.length
        const outcome = await attack(mode, attempt)
        assert.equal(verdictOf(outcome.lines), 'held', JSON.stringify(outcome))
        assert.deepEqual(world.arrivals(), arrivals)
        assert.ok(!world.resolved.slice(resolved).some((host) => host.includes('evil')))
      })
    }

    it('what the attacks use works for what is allowed', async () => {
      const tools = `grep({ !got($_) } through(tunnel('open.test', $http), get('open.test', $http)), through(socks(1, named('a.wild.test'), $http), get('a.wild.test', $http)), talk('127.0.0.1', 3128, absolute('open.test', $http)), openssl("-proxy 127.0.0.1:3128 -connect open.test:$https -servername open.test")) == 0`
      const direct = `got(talk(standin('open.test'), $http, get('open.test', $http))) && got(openssl('-connect ' . standin('open.test') . ":$https -servername open.test"))`
      const attempt = mode === 'explicit' ? tools : `${tools} && ${direct}`
      assert.equal(verdictOf((await attack(mode, attempt)).lines), 'breach')
    })

    it('carries 16 connections at a time and closes the others', async () => {
      const line = attackLine(
        `my @open = grep { $_ } map { reach('127.0.0.1', 3128) } 1 .. 200; syswrite $_, "CONNECT open.test:$http HTTP/1.1\\r\\n\\r\\n" for @open; my @good = grep { hear($_, qr/\\r\\n\\r\\n/) =~ / 200 / } @open; @good > 16`,
      )
      const outcome = await runWithNetwork(world, mode, '', { command: '/usr/bin/perl', args: line })
      assert.equal(verdictOf(outcome.lines), 'held', JSON.stringify(outcome.lines))
      assert.ok(world.http.mostOpen <= 16, `${world.http.mostOpen} at a time`)
      assert.ok(outcome.accesses.some(({ reason }) => reason === 'connections'))
    })

    it('carries no more bytes than allowed, and counts them', async () => {
      const line =
        'curl -sS http://open.test:$HTTP_PORT/ && curl -sS --max-time 5 -o /dev/null -T /usr/bin/perl http://open.test:$HTTP_PORT/'
      const outcome = await runWithNetwork(world, mode, line, { access: { maxBytes: 100_000 } })
      assert.equal(outcome.lines[0], 'hello from the host')
      assert.ok(
        outcome.accesses.some(({ reason }) => reason === 'quota'),
        JSON.stringify(outcome),
      )
      assert.ok(outcome.usage.sentBytes > 0 && outcome.usage.receivedBytes > 0)
      assert.ok(outcome.usage.sentBytes + outcome.usage.receivedBytes <= 100_000, JSON.stringify(outcome.usage))
    })
  })
}

describe('a network that opens TLS', () => {
  /** Nothing in the environment names an authority: what the sandbox brings along must do. */
  const openedBy = async (line: string) => {
    const authority = await passingAuthority(1, systemClock)
    const inject = { name: 'authorization', value: new Secret('Bearer of-the-gateway') }
    const ports = [world.https.port]
    const rule: NetworkRule = {
      host: 'open.test',
      ports,
      methods: ['GET'],
      privateAddresses: true,
      openTls: true,
      inject,
    }
    const env = { HTTPS_PORT: `${world.https.port}` }
    const readOnly = [NODE_MODULES]
    return runWithNetwork(world, 'transparent', line, { env, readOnly, access: { allow: [rule], authority } })
  }

  for (const { title, program, line } of CLIENTS.filter(({ opened }) => opened === true)) {
    if (!existsSync(program)) continue
    it(`is trusted by ${title}, and carries a credential that the program never has`, async () => {
      const outcome = await openedBy(line)
      assert.equal(outcome.lines.at(-1), 'hello to Bearer of-the-gateway', JSON.stringify(outcome))
    })
  }

  it('limits the methods', async () => {
    const arrivals = world.https.requests
    const outcome = await openedBy(
      'curl -sS -o /dev/null -w "%{http_code}" -X POST -d x https://open.test:$HTTPS_PORT/; echo',
    )
    assert.deepEqual(outcome.lines, ['403'])
    assert.equal(world.https.requests, arrivals)
  })

  it('does not start without an authority', async () => {
    const allow = [{ host: 'open.test', ports: [443], openTls: true }]
    await assert.rejects(runWithNetwork(world, 'transparent', 'true', { access: { allow } }), {
      code: 'sandbox.start_failed',
    })
  })
})

it('a flood of queries ends the answers, is on record, and harms nobody else', async () => {
  const attempt = `my $s = IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => 53, Type => SOCK_DGRAM); $s->send('x' x 40) for 1 .. 60_000; defined standin('open.test')`
  const outcome = await attack('transparent', attempt)
  assert.equal(verdictOf(outcome.lines), 'held', JSON.stringify(outcome))
  assert.deepEqual(
    outcome.accesses.map(({ protocol, reason }) => [protocol, reason]),
    [['dns', 'flood']],
  )
  const next = await runWithNetwork(world, 'transparent', 'curl -sS http://open.test:$HTTP_PORT/')
  assert.deepEqual(next.lines, ['hello from the host'])
})

async function attack(mode: NetworkAccess['mode'], attempt: string) {
  const access = { connectTimeoutMs: 300 }
  const env = {
    HTTPS_PORT: `${world.https.port}`,
    HTTP_PORT: `${world.http.port}`,
    SECRET_PORT: `${world.secret.port}`,
    DATAGRAM_PORT: `${world.datagrams.port}`,
    ABSTRACT,
  }
  return runWithNetwork(world, mode, '', { command: '/usr/bin/perl', args: attackLine(attempt), env, access })
}
