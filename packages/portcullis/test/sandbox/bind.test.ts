import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { isWithin, masksFor, pin, pinAll, realPaths } from '../../src/sandbox/bind.ts'

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'portcullis-bind-')))
after(() => rmSync(directory, { recursive: true }))
const at = (name: string) => join(directory, name)
mkdirSync(at('open'))
mkdirSync(at('state'))
writeFileSync(at('state/key'), '')
symlinkSync('/etc/shadow', at('to-etc'))
symlinkSync('/proc', at('to-proc'))
symlinkSync(at('open'), at('to-open'))
symlinkSync(at('state'), at('to-state'))
symlinkSync(at('nothing'), at('dangling'))

const openDescriptors = () => readdirSync('/proc/self/fd').length

const REFUSED = [
  { path: '/', access: 'read-only' },
  { path: '/etc', access: 'read-only' },
  { path: '/home', access: 'read-only' },
  { path: '/proc', access: 'read-only' },
  { path: '/proc/self/root', access: 'read-only' },
  { path: '/sys/fs/cgroup', access: 'read-only' },
  { path: '/dev/null', access: 'read-only' },
  { path: '/run', access: 'read-only' },
  { path: '/usr/bin', access: 'read-write' },
  { path: '/etc/ssl', access: 'read-write' },
  { path: at('to-etc'), access: 'read-write' },
  { path: at('to-proc'), access: 'read-only' },
  { path: at('dangling'), access: 'read-only' },
  { path: at('nothing'), access: 'read-only' },
  { path: at('state'), access: 'read-only' },
  { path: at('state/key'), access: 'read-only' },
  { path: at('to-state'), access: 'read-only' },
  { path: `${at('open')}/../../../../../../proc`, access: 'read-only' },
  { path: 'relative', access: 'read-only' },
  { path: `${at('open')}\0`, access: 'read-only' },
  { path: '', access: 'read-only' },
] as const

for (const { path, access } of REFUSED) {
  it(`refuses ${JSON.stringify(path)} ${access}, and leaves nothing open`, () => {
    const before = openDescriptors()
    assert.throws(() => pin(path, access, [at('state')]), { code: 'sandbox.start_failed' })
    assert.equal(openDescriptors(), before)
  })
}

it('refuses a socket, which would be a way to a daemon', async () => {
  const server = createServer().listen(at('daemon.sock'))
  await new Promise((resolve) => server.once('listening', resolve))
  assert.throws(() => pin(at('daemon.sock'), 'read-write', []), { code: 'sandbox.start_failed' })
  server.close()
})

it('shows a link under its own name, with what it leads to', () => {
  const pinned = pin(`${at('to-open')}/`, 'read-write', [at('state')])
  closeSync(pinned.descriptor)
  assert.deepEqual([pinned.destination, pinned.source, pinned.access], [at('to-open'), at('open'), 'read-write'])
})

it('the later of two requests for one path decides, and a refusal closes the others', () => {
  const before = openDescriptors()
  const requests = [
    { path: at('open'), access: 'read-only' },
    { path: at('open'), access: 'read-write' },
  ] as const
  const pinned = pinAll(requests, [])
  assert.deepEqual(
    pinned.map(({ access }) => access),
    ['read-write'],
  )
  for (const { descriptor } of pinned) closeSync(descriptor)
  assert.throws(() => pinAll([...requests, { path: '/proc', access: 'read-only' }], []), {
    code: 'sandbox.start_failed',
  })
  assert.equal(openDescriptors(), before)
})

it('masks what lies inside of a bound directory, under the name that it has there', () => {
  const bind = { descriptor: -1, destination: '/shown', source: directory, access: 'read-only' } as const
  const hidden = realPaths([at('to-state'), at('state/key'), at('not-made-yet')])
  assert.deepEqual(masksFor([bind], [...hidden, '/elsewhere']), [
    { path: '/shown/state', kind: 'directory' },
    { path: '/shown/state/key', kind: 'file' },
  ])
})

it('a sibling whose name begins alike is not within', () => {
  assert.ok(isWithin('/a/b', '/a'))
  assert.ok(isWithin('/a', '/a'))
  assert.ok(isWithin('/a', '/'))
  assert.ok(!isWithin('/ab', '/a'))
})
