import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { it } from 'node:test'
import { cellCommand, PLACES, tableText } from '../../src/sandbox/cell.ts'
import { DescriptorTable } from '../../src/sandbox/descriptors.ts'
import { namelessFile, openConstant } from '../../src/sandbox/nameless-file.ts'

const TOOLS = { unshare: '/usr/bin/unshare', sh: '/bin/sh', mount: '/usr/bin/mount' }

it('is nothing when there is nothing to do', () => {
  assert.deepEqual(cellCommand({ doors: [], table: undefined, tools: TOOLS }), [])
})

it('joins without a namespace when nothing is mounted, closes each door, and hands on all arguments', () => {
  const [shell = '', ...args] = cellCommand({ doors: [4, 5], table: undefined, tools: { ...TOOLS, mount: undefined } })
  assert.equal(shell, '/bin/sh')
  const [, script] = args
  assert.match(script ?? '', /echo 0 >&4 && echo 0 >&5 && exec "\$@" 4>&- 5>&-$/)
  const show = [
    '/bin/sh',
    '-c',
    'echo "$@"; [ -e /proc/$$/fd/4 ] || [ -e /proc/$$/fd/5 ] || echo closed',
    'x',
    'a b',
    '$c',
  ]
  const door = openSync('/dev/null', 'w')
  const output = execFileSync(shell, [...args, ...show], { stdio: ['ignore', 'pipe', 'inherit', 'ignore', door, door] })
  closeSync(door)
  assert.deepEqual(output.toString().split('\n'), ['a b $c', 'closed', ''])
})

it('does not start what follows when a door is closed', () => {
  const [shell = '', ...args] = cellCommand({ doors: [9], table: undefined, tools: TOOLS })
  assert.throws(() => execFileSync(shell, [...args, '/bin/echo', 'ran'], { stdio: ['ignore', 'pipe', 'ignore'] }), {
    status: 2,
    stdout: Buffer.alloc(0),
  })
})

it('mounts in a user namespace of its own', () => {
  const command = cellCommand({ doors: [4], table: 5, tools: TOOLS })
  assert.deepEqual(command.slice(0, 5), ['/usr/bin/unshare', '--user', '--map-root-user', '--mount', '--'])
  assert.match(command.join(' '), /echo 0 >&4 && .*"\$mount" -n -a -T \/proc\/self\/fd\/5 && exec "\$@" 4>&- 5>&- cell/)
})

it('gives each private file system a size and a number of files', () => {
  assert.deepEqual(tableText({ tmpBytes: 10, tmpFiles: 3 }).split('\n'), [
    `private ${PLACES.tmp} tmpfs size=10,nr_inodes=4,mode=1777,nosuid,nodev 0 0`,
    `private ${PLACES.home} tmpfs size=10,nr_inodes=4,mode=0700,nosuid,nodev 0 0`,
    `private ${PLACES.sharedMemory} tmpfs size=16777216,nr_inodes=4,mode=1777,nosuid,nodev 0 0`,
    '',
  ])
})

it('a constant is read from its start by every reader, and has no name', () => {
  const table = new DescriptorTable()
  assert.equal(table.constant('text'), 3)
  assert.equal(table.constant('text'), 4)
  assert.deepEqual(
    table.stdio.slice(3).map((descriptor) => readFileSync(descriptor as number, 'utf8')),
    ['text', 'text'],
  )
  table.close()
  assert.notEqual(openConstant('text'), undefined)
  assert.match(readFileSync(`/proc/self/fdinfo/${namelessFile('x')}`, 'utf8'), /^pos:\t1$/m)
})
