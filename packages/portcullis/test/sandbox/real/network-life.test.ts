/** How the networks of sandboxes begin and end: never in the network of the host, never with another's, and without a rest. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LaunchSpec } from '../../../src/sandbox/driver.ts'
import { findTool } from '../../../src/sandbox/child.ts'
import { sweepOrphans } from '../../../src/sandbox/mark.ts'
import { commandLineOf, outcomeOf, processesWith, specOf, until } from './fixture.ts'
import { buildNetworkWorld, type NetworkWorld, networkOf, runWithNetwork } from './network-world.ts'

const directory = mkdtempSync(join(tmpdir(), 'portcullis-network-life-'))
const GATEWAY = fileURLToPath(new URL('./network-gateway.ts', import.meta.url))
/** In the command line of whatever opens listeners. */
const OPENER = 'const { createServer } = require'
let world: NetworkWorld

before(async () => {
  chmodSync(directory, 0o755)
  world = await buildNetworkWorld()
})
after(() => {
  world.close()
  rmSync(directory, { recursive: true })
})

/** A launch whose command reaches the host's loopback, if it runs in the network of the host. */
function tellingSpec(changes: Partial<LaunchSpec> = {}): LaunchSpec {
  const script = `use IO::Socket::IP; IO::Socket::IP->new(PeerHost => '127.0.0.1', PeerPort => ${world.secret.port})`
  return specOf('', {
    command: '/usr/bin/perl',
    args: ['-e', script],
    network: networkOf(world, 'transparent'),
    ...changes,
  })
}

const descriptors = () => readdirSync('/proc/self/fd').length

async function refusedLaunch(find: (name: string) => string | undefined) {
  const arrivals = world.secret.connections
  const driver = world.createDriver({ findTool: find })
  const { detail } = await driver.launch(tellingSpec()).then(
    () => assert.fail('it was launched'),
    (problem: { readonly code: string; readonly detail: Readonly<Record<string, string>> }) => {
      assert.equal(problem.code, 'sandbox.start_failed')
      return problem
    },
  )
  assert.equal(world.secret.connections, arrivals)
  return detail
}

it('the command of these tests would be seen in the network of the host', async () => {
  const arrivals = world.secret.connections
  const { command, args } = tellingSpec()
  await once(spawn(command, args), 'exit')
  await until(() => world.secret.connections === arrivals + 1)
})

for (const [tool, remedy] of [
  ['nsenter', 'util-linux'],
  ['ip', 'iproute2'],
] as const) {
  it(`without ${tool} a launch is refused, with the remedy`, async () => {
    const detail = await refusedLaunch((name) => (name === tool ? undefined : findTool(name)))
    assert.equal(detail['reason'], `${tool} was not found`)
    assert.match(detail['mend'] ?? '', new RegExp(remedy))
  })
}

it('without ip the other mode works', async () => {
  const driver = world.createDriver({ findTool: (name) => (name === 'ip' ? undefined : findTool(name)) })
  const confined = await driver.launch(specOf('echo up', { network: networkOf(world, 'explicit') }))
  assert.deepEqual((await outcomeOf(confined)).lines, ['up'])
  const probe = await driver.probe()
  assert.deepEqual(probe.ok && [probe.enforces.network, probe.enforces.networkReason], [
    ['explicit'],
    'ip was not found',
  ])
})

it('a host that can do both says so', async () => {
  const probe = await world.driver.probe()
  assert.deepEqual(probe.ok && probe.enforces.network, ['explicit', 'transparent'])
})

it('a tool that does not join the namespace leads to a refusal, not to the network of the host', async () => {
  const nsenter = join(directory, 'nsenter')
  writeFileSync(nsenter, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n', { mode: 0o755 })
  const detail = await refusedLaunch((name) => (name === 'nsenter' ? nsenter : findTool(name)))
  assert.match(detail['reason'] ?? '', /not in the network/)
})

it('a tool that fails to join leads to a refusal', async () => {
  await refusedLaunch((name) => (name === 'nsenter' ? '/bin/false' : findTool(name)))
})

it('launches that fail leave no descriptor and no process', async () => {
  await runWithNetwork(world, 'transparent', 'true')
  await until(() => processesWith(OPENER).length === 0)
  const failing = [
    tellingSpec({ command: '/nowhere/program' }),
    tellingSpec({ readOnly: ['/nowhere'] }),
    tellingSpec({ cwd: '/nowhere' }),
    tellingSpec({ env: { 'NOT A NAME': '' } }),
  ]
  const arrivals = world.secret.connections
  const atFirst = descriptors()
  for (let round = 0; round < 3; round++) {
    for (const spec of failing) await assert.rejects(world.driver.launch(spec), { code: 'sandbox.start_failed' })
  }
  assert.equal(world.secret.connections, arrivals)
  await until(() => descriptors() <= atFirst && processesWith(OPENER).length === 0)
})

it('sandboxes that end leave no descriptor', async () => {
  await runWithNetwork(world, 'transparent', 'true')
  await until(() => processesWith(OPENER).length === 0)
  const atFirst = descriptors()
  for (let round = 0; round < 5; round++) await runWithNetwork(world, 'transparent', 'true')
  await until(() => descriptors() <= atFirst && processesWith(OPENER).length === 0)
})

it('a driver that is closed keeps nothing ready', async () => {
  const driver = world.createDriver({})
  await outcomeOf(await driver.launch(specOf('true')))
  await until(() => processesWith(OPENER).length === 0)
  const atFirst = descriptors()
  await outcomeOf(await driver.launch(specOf('true', { network: networkOf(world, 'transparent') })))
  await driver.close?.()
  await until(() => descriptors() <= atFirst && processesWith(OPENER).length === 0)
})

it('each sandbox has its own rules and its own loopback', async () => {
  const arrivals = world.http.connections
  const listening =
    'use IO::Socket::IP; my $l = IO::Socket::IP->new(Listen => 9, LocalHost => "0.0.0.0", LocalPort => 7777); $| = 1; print "up\\n"; <STDIN>; $l->blocking(0); print $l->accept ? "met\\n" : "alone\\n"'
  const spec = { command: '/usr/bin/perl', args: ['-e', listening], network: networkOf(world, 'transparent') }
  const first = await world.driver.launch(specOf('', spec))
  const lines: string[] = []
  first.onLine((line) => lines.push(line.toString('utf8')))
  await until(() => lines.length > 0)
  const line = 'curl -sS --noproxy "*" --max-time 2 http://127.0.0.1:7777/; curl -s http://open.test:$HTTP_PORT/; true'
  const second = await runWithNetwork(world, 'transparent', line, {
    access: { allow: [{ host: 'other.test', ports: [world.http.port], privateAddresses: true }] },
  })
  assert.ok(!second.lines.includes('hello from the host'), second.lines.join('\n'))
  first.send('go')
  await first.exited
  assert.deepEqual(lines, ['up', 'alone'])
  assert.equal(world.http.connections, arrivals)
})

it('what the configuration lists comes before the variables of the proxy', async () => {
  const env = { https_proxy: 'http://127.0.0.1:9', NODE_EXTRA_CA_CERTS: '/own' }
  const { lines } = await runWithNetwork(world, 'explicit', 'env | grep -iE "proxy|_CERT" | sort', { env })
  const proxy = 'http://127.0.0.1:3128'
  assert.deepEqual([...lines].sort(), [
    `ALL_PROXY=${proxy}`,
    `HTTP_PROXY=${proxy}`,
    'NODE_EXTRA_CA_CERTS=/own',
    'NODE_USE_ENV_PROXY=1',
    'NO_PROXY=localhost,127.0.0.1,::1',
    `all_proxy=${proxy}`,
    `http_proxy=${proxy}`,
    'https_proxy=http://127.0.0.1:9',
    'no_proxy=localhost,127.0.0.1,::1',
  ])
})

it('nothing survives kill -9 of the gateway', async () => {
  const mark = 'mark-network-a'
  const gateway = spawn(process.execPath, [GATEWAY, `: ${mark};`], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(gateway.stdout, 'data')
  assert.notDeepEqual(processesWith(mark), [])
  gateway.kill('SIGKILL')
  await once(gateway, 'exit')
  await until(() => processesWith(mark).length === 0 && processesWith(OPENER).length === 0)
})

it('a gateway that is killed while it makes a network leaves nothing that the next start does not sweep', async () => {
  const mark = 'mark-network-b'
  for (let round = 0; round < 8; round++) {
    const gateway = spawn(process.execPath, [GATEWAY, `: ${mark};`], { stdio: 'ignore' })
    await until(() => processesWith(`-${gateway.pid}-`).length > 0) // the gateway's mark in the opener's command line
    await sleep(round * 15)
    gateway.kill('SIGKILL')
    await once(gateway, 'exit')
    const left = () => [...processesWith(`-${gateway.pid}-`), ...processesWith(mark)]
    await until(() => left().every((pid) => commandLineOf(pid).startsWith('/usr/bin/bwrap ')))
    sweepOrphans()
    await until(() => left().length === 0)
  }
})
