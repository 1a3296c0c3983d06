import assert from 'node:assert/strict'
import { it } from 'node:test'
import { buildProfile, type ProfileInput } from '../../src/sandbox/profile.ts'

const INPUT: ProfileInput = {
  layout: {
    shown: ['/usr', '/etc/ssl/certs'],
    copied: [{ path: '/etc/services', content: Buffer.from('http 80/tcp') }],
    links: [{ path: '/bin', target: 'usr/bin' }],
    masked: [
      { path: '/proc/kallsyms', kind: 'file' },
      { path: '/proc/pressure', kind: 'directory' },
    ],
  },
  environment: new Map([['PATH', '/bin']]),
  binds: [
    { from: 9, destination: '/srv/data/notes', access: 'read-write' },
    { from: 8, destination: '/srv/data', access: 'read-only' },
    { from: '/mnt/0', destination: '/x', access: 'read-only' },
  ],
  masks: [
    { path: '/srv/data/state', kind: 'directory' },
    { path: '/srv/data/key', kind: 'file' },
  ],
  cwd: '/srv/data',
  places: undefined,
  tmpBytes: 1024,
  descriptors: { status: 4, filter: 6 },
  file: () => 7,
  constant: () => 7,
}

const profile = buildProfile(INPUT).join(' ')
const place = (part: string) => {
  assert.ok(profile.includes(part), `${part} in ${profile}`)
  return profile.indexOf(part)
}

const WALLS = [
  '--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try --disable-userns',
  '--uid 1000 --gid 1000 --hostname sandbox --new-session --die-with-parent --cap-drop ALL',
  '--json-status-fd 4 --seccomp 6',
  '--symlink usr/bin /bin',
  '--ro-bind /usr /usr',
  '--perms 0444 --file 7 /etc/passwd',
  '--perms 0444 --file 7 /etc/services',
  '--proc /proc --ro-bind /proc/sys /proc/sys --ro-bind /dev/null /proc/kallsyms',
  '--perms 0555 --size 4096 --tmpfs /proc/pressure --remount-ro /proc/pressure',
  '--perms 0555 --size 4096 --tmpfs /proc/1 --remount-ro /proc/1 --dev /dev --perms 1777 --size 16777216 --tmpfs /dev/shm --remount-ro /dev',
  '--perms 1777 --size 1024 --tmpfs /tmp --perms 0700 --size 1024 --tmpfs /home/sandbox',
  '--ro-bind-fd 8 /srv/data --bind-fd 9 /srv/data/notes',
  '--ro-bind /mnt/0 /x',
  '--perms 0000 --size 4096 --tmpfs /srv/data/state --remount-ro /srv/data/state --ro-bind /dev/null /srv/data/key',
  '--remount-ro / --chdir /srv/data',
  '--clearenv --setenv PATH /bin',
]

for (const wall of WALLS) it(`says ${wall}`, () => void place(wall))

it('binds after the private file systems, masks after the binds, and closes the root last', () => {
  const order = [
    '--tmpfs /tmp',
    '--ro-bind-fd 8',
    '--bind-fd 9',
    '--tmpfs /srv/data/state',
    '--remount-ro /',
    '--chdir',
  ]
  const places = order.map((part) => (part === '--remount-ro /' ? profile.indexOf('--remount-ro / ') : place(part)))
  assert.deepEqual(
    [...places].sort((left, right) => left - right),
    places,
  )
})

it('shares nothing of the network and mounts nothing writable of the system', () => {
  assert.ok(!/--share-net|--dev-bind|--bind /.test(profile))
})

it('binds private file systems that were mounted before instead of making them', () => {
  const places = { tmp: '/a', home: '/b', sharedMemory: '/c' }
  const text = buildProfile({ ...INPUT, places }).join(' ')
  assert.match(text, /--bind \/c \/dev\/shm --remount-ro \/dev /)
  assert.match(text, /--bind \/a \/tmp --bind \/b \/home\/sandbox/)
  assert.ok(!/--tmpfs \/(tmp|home|dev)/.test(text))
})
