/** How a launch that has a network differs from one that has none: it joins first, and only then gives up its rights. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ATTACK_LIMITS } from '../../../src/sandbox/attacks.ts'
import { buildCommand, type CommandParts } from '../../../src/sandbox/command.ts'
import { DescriptorTable } from '../../../src/sandbox/descriptors.ts'
import type { LaunchSpec } from '../../../src/sandbox/driver.ts'
import type { ConfinedNetwork } from '../../../src/sandbox/network/networks.ts'

const NETWORK: ConfinedNetwork = {
  entry: ['/usr/bin/nsenter', '--net=/proc/7/fd/9', '--'],
  variables: { HTTPS_PROXY: 'http://127.0.0.1:3128', https_proxy: 'http://127.0.0.1:3128' },
  files: { '/etc/resolv.conf': 'nameserver 127.0.0.1\n', '/etc/authority.pem': 'PEM' },
  meter: () => ({}),
  confirm: () => {},
  close: () => {},
}

const PARTS: Omit<CommandParts, 'identity'> = {
  tools: {
    bwrap: '/usr/bin/bwrap',
    prlimit: '/usr/bin/prlimit',
    setpriv: '/usr/bin/setpriv',
    unshare: '/usr/bin/unshare',
    sh: '/bin/sh',
    mount: '/usr/bin/mount',
  },
  layout: { shown: ['/usr'], copied: [], links: [], masked: [] },
  searchPath: ['/usr/bin'],
  hidden: [],
  control: { status: 4, filter: 6 },
  cell: { doors: [], table: undefined },
}

const SPEC: LaunchSpec = {
  command: 'true',
  args: [],
  env: { HTTPS_PROXY: 'http://own.example' },
  readOnly: [],
  readWrite: [],
  limits: ATTACK_LIMITS,
  network: 'none',
}

function build(identity: CommandParts['identity'], network: ConfinedNetwork | undefined) {
  const table = new DescriptorTable()
  const command = buildCommand(SPEC, { ...PARTS, identity, network }, table)
  const contents = table.contents.map(({ content }) => String(content))
  table.close()
  return { ...command, line: command.argv.join(' '), profile: (contents.at(-1) ?? '').split('\0'), contents }
}

it('root joins, changes the account, and only then makes the sandbox', () => {
  const { line, startAs } = build({ uid: 200_001, gid: 200_002 }, NETWORK)
  const account = '--reuid 200001 --regid 200002 --clear-groups --pdeathsig KILL'
  assert.ok(
    line.startsWith(`/usr/bin/nsenter --net=/proc/7/fd/9 -- /usr/bin/setpriv ${account} -- /usr/bin/bwrap `),
    line,
  )
  assert.equal(startAs, undefined)
})

it('who is not root joins and stays who he is', () => {
  const { line, startAs } = build(undefined, NETWORK)
  assert.ok(line.startsWith('/usr/bin/nsenter --net=/proc/7/fd/9 -- /usr/bin/bwrap '), line)
  assert.equal(startAs, undefined)
})

it('a network of its own is left out only when it joins one', () => {
  assert.ok(!build(undefined, NETWORK).profile.includes('--unshare-net'))
  const { line, profile } = build(undefined, undefined)
  assert.ok(profile.includes('--unshare-net') && !line.includes('nsenter'))
})

it('files of the network take the place of the usual ones, each once', () => {
  const { profile, contents } = build(undefined, NETWORK)
  for (const path of ['/etc/resolv.conf', '/etc/authority.pem', '/etc/hosts']) {
    assert.equal(profile.filter((argument) => argument === path).length, 1, path)
  }
  assert.ok(contents.includes('nameserver 127.0.0.1\n') && contents.includes('PEM'))
})

it('the environment of the configuration comes before that of the network', () => {
  const { profile } = build(undefined, NETWORK)
  const valueOf = (name: string) => profile[profile.indexOf(name) + 1]
  assert.equal(valueOf('HTTPS_PROXY'), 'http://own.example')
  assert.equal(valueOf('https_proxy'), 'http://127.0.0.1:3128')
})
