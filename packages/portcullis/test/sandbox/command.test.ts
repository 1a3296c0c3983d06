import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { it } from 'node:test'
import { Secret } from '../../src/core/secret.ts'
import { ATTACK_LIMITS } from '../../src/sandbox/attacks.ts'
import { buildCommand, type CommandParts } from '../../src/sandbox/command.ts'
import { DescriptorTable } from '../../src/sandbox/descriptors.ts'
import type { LaunchSpec } from '../../src/sandbox/driver.ts'

const PARTS: CommandParts = {
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
  identity: { uid: 200_001, gid: 200_001 },
  control: { status: 4, filter: 6 },
  cell: { doors: [4, 5], table: 7 },
}

const SPEC: LaunchSpec = {
  command: 'true',
  args: ['--arg'],
  env: { API_KEY: new Secret('sk-0451') },
  readOnly: ['/usr/lib'],
  readWrite: [],
  limits: { ...ATTACK_LIMITS, dataBytes: 77 },
  network: 'none',
}

it('carries limits and the command, and neither environment nor paths', () => {
  const table = new DescriptorTable()
  const { argv, startAs } = buildCommand(SPEC, PARTS, table)
  const line = argv.join(' ')
  table.close()
  assert.match(
    line,
    /^\/usr\/bin\/unshare --user --map-root-user --mount -- \/bin\/sh -c .* cell \/usr\/bin\/mount \/usr\/bin\/bwrap --args \d+ -- /,
  )
  assert.match(
    line,
    / -- \/usr\/bin\/prlimit --core=0 --nofile=256 --fsize=\d+ .*--data=77 --nproc=64 .*-- \/bin\/sh -c /,
  )
  assert.match(line, / portcullis-\d+-\d+-\d+ \/usr\/bin\/true --arg$/)
  assert.ok(!/sk-0451|API_KEY|\/usr\/lib|--as=/.test(line))
  assert.deepEqual(startAs, PARTS.identity)
  const profile = String(table.contents.at(-1)?.content)
  assert.ok(profile.includes('--setenv\0API_KEY\0sk-0451\0') && profile.endsWith('\0'))
})

it('closes what it pinned when the table is closed', () => {
  const before = readdirSync('/proc/self/fd').length
  const table = new DescriptorTable()
  assert.throws(() => buildCommand({ ...SPEC, cwd: '/\0/' }, PARTS, table), { code: 'sandbox.start_failed' })
  table.close()
  assert.equal(readdirSync('/proc/self/fd').length, before)
})
