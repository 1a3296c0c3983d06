/** Directories of plain files stand for control groups: what would be written is what counts here. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, it } from 'node:test'
import { claimGroup, groupsToTry, OWN_CHILD } from '../../../src/sandbox/cgroup/claim.ts'

const uid = process.getuid?.() ?? -1
let mount = ''
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), 'portcullis-claim-'))
})
afterEach(() => rmSync(mount, { recursive: true }))

/** Makes a group and what leads to it; returns its directory. */
function group(path: string, members: readonly number[], enabled = ''): string {
  const directory = join(mount, path)
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, 'cgroup.procs'), members.map((pid) => `${pid}\n`).join(''))
  writeFileSync(join(directory, 'cgroup.controllers'), 'cpuset cpu io memory pids\n')
  writeFileSync(join(directory, 'cgroup.subtree_control'), enabled)
  return directory
}

/** A file of the kernel adds up what is written; a plain one keeps the last word. */
const written = (directory: string) => readFileSync(join(directory, 'cgroup.subtree_control'), 'utf8')
const gateway = (isDelegated: boolean) => ({ pid: 77, uid, isDelegated: async () => isDelegated })

it('moves into a child of its own and hands on the controllers', async () => {
  const own = group('system.slice/portcullis.service', [77])
  await claimGroup(own, mount, gateway(true))
  assert.equal(readFileSync(join(own, OWN_CHILD, 'cgroup.procs'), 'utf8'), '77')
  assert.equal(written(own), '+cpu')
})

it('uses the group of its unit when it already is in a child of that', async () => {
  const unit = group('system.slice/portcullis.service', [])
  const own = group('system.slice/portcullis.service/main', [77])
  await claimGroup(own, mount, gateway(true))
  assert.equal(written(unit), '+cpu')
  assert.deepEqual([written(own), existsSync(join(own, OWN_CHILD))], ['', false])
  assert.deepEqual(groupsToTry(own), [own, unit])
})

it('leaves what is enabled alone', async () => {
  const own = group('portcullis.service', [77], 'cpu memory pids')
  await claimGroup(own, mount, gateway(true))
  assert.equal(written(own), 'cpu memory pids')
})

it('moves nobody else', async () => {
  const own = group('portcullis.service', [77, 78])
  await claimGroup(own, mount, gateway(true))
  assert.deepEqual([written(own), existsSync(join(own, OWN_CHILD))], ['', false])
})

it('as root leaves groups alone that another program manages', { skip: uid !== 0 }, async () => {
  for (const path of ['system.slice/portcullis.service', 'system.slice', 'user.slice/session-2.scope']) {
    const own = group(path, [77])
    await claimGroup(own, mount, gateway(false))
    assert.deepEqual([written(own), existsSync(join(own, OWN_CHILD))], ['', false], path)
  }
})

it('takes the top of a container', async () => {
  const own = group('', [77])
  await claimGroup(own, mount, gateway(false))
  assert.equal(written(own), '+cpu')
})

it('does nothing where there is nothing', async () => {
  await claimGroup(join(mount, 'missing'), mount, gateway(true))
  assert.deepEqual(groupsToTry('/sys/fs/cgroup/user.slice'), ['/sys/fs/cgroup/user.slice'])
})
