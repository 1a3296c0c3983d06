import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Architecture, buildFilter, isSupportedArchitecture } from '../../src/sandbox/seccomp.ts'
import syscalls from '../../src/sandbox/syscalls.json' with { type: 'json' }
import { simulate } from './seccomp-simulator.ts'

const ALLOWED = 0x7fff0000
const KILLED = 0x80000000
const EPERM = 0x50001
const ENOSYS = 0x50026
const EPROTONOSUPPORT = 0x5005d
const EAFNOSUPPORT = 0x50061
const EOPNOTSUPP = 0x5005f
const CODES = { x64: 0xc000003e, arm64: 0xc00000b7 }

// biome-ignore format: one call a row
const ROWS: ReadonlyArray<readonly [name: string, args: readonly bigint[], action: number, what: string]> = [
  ['clone',       [0x3d0f00n],                 ALLOWED, 'a thread'],
  ['clone',       [0x1200011n],                ALLOWED, 'a fork'],
  ['clone',       [0x10000011n],               EPERM,   'a user namespace'],
  ['clone',       [0x20011n],                  EPERM,   'a mount namespace'],
  ['clone',       [0x2000000n],                EPERM,   'a cgroup namespace'],
  ['clone',       [0x40000011n],               EPERM,   'a network namespace'],
  ['clone3',      [0n, 0n],                    ENOSYS,  'flags behind a pointer'],
  ['socket',      [2n, 0x80801n, 0n],          ALLOWED, 'TCP, non-blocking and close-on-exec'],
  ['socket',      [10n, 2n, 17n],              ALLOWED, 'UDP over IPv6'],
  ['socket',      [2n, 3n, 1n],                EPERM,   'raw'],
  ['socket',      [2n, 0x80803n, 1n],          EPERM,   'raw with flags'],
  ['socket',      [2n, 5n, 0n],                EPERM,   'SEQPACKET'],
  ['socket',      [2n, 1n, 132n],              EPROTONOSUPPORT, 'SCTP'],
  ['socket',      [2n, 1n, 262n],              EPROTONOSUPPORT, 'MPTCP'],
  ['socket',      [2n, 2n, 136n],              EPROTONOSUPPORT, 'UDP-Lite'],
  ['socket',      [1n, 1n, 0n],                EAFNOSUPPORT, 'Unix'],
  ['socket',      [16n, 3n, 0n],               ALLOWED, 'routing netlink'],
  ['socket',      [16n, 3n, 9n],               EAFNOSUPPORT, 'audit netlink'],
  ['socket',      [17n, 3n, 0n],               EAFNOSUPPORT, 'packet'],
  ['socket',      [38n, 5n, 0n],               EAFNOSUPPORT, 'AF_ALG'],
  ['socket',      [40n, 1n, 0n],               EAFNOSUPPORT, 'vsock'],
  ['socketpair',  [1n, 1n, 0n],                ALLOWED, 'a pair'],
  ['socketpair',  [2n, 1n, 0n],                EPERM,   'a pair over IP'],
  ['ioctl',       [0n, 0x5401n],               ALLOWED, 'TCGETS'],
  ['ioctl',       [0n, 0x5412n],               EPERM,   'TIOCSTI'],
  ['ioctl',       [0n, 0x100005412n],          EPERM,   'TIOCSTI with high bits, which the kernel drops'],
  ['ioctl',       [0n, 0x541cn],               EPERM,   'TIOCLINUX'],
  ['personality', [0xffffffffn],               ALLOWED, 'a query'],
  ['personality', [0x40000n],                  EPERM,   'ADDR_NO_RANDOMIZE'],
  ['prctl',       [15n],                       ALLOWED, 'PR_SET_NAME'],
  ['prctl',       [1n, 0n],                    EPERM,   'PR_SET_PDEATHSIG'],
  ['prctl',       [0x59616d61n],               EPERM,   'PR_SET_PTRACER'],
  ['fchmod',      [3n, 0o755n],                ALLOWED, 'a mode'],
  ['fchmod',      [3n, 0o4755n],               EPERM,   'set-uid'],
  ['fchmodat',    [3n, 0n, 0o2755n],           EPERM,   'set-gid'],
  ['fchmodat2',   [3n, 0n, 0o4755n, 0n],       EPERM,   'set-uid'],
  ['chmod',       [0n, 0o4755n],               EPERM,   'set-uid'],
  ['creat',       [0n, 0o4755n],               EPERM,   'set-uid'],
  ['mknod',       [0n, 0o104755n],             EPERM,   'set-uid'],
  ['mknodat',     [3n, 0n, 0o104755n],         EPERM,   'set-uid'],
  ['openat',      [3n, 0n, 0n, 0o4755n],       ALLOWED, 'a mode that does not count'],
  ['openat',      [3n, 0n, 0o101n, 0o644n],    ALLOWED, 'creating'],
  ['openat',      [3n, 0n, 0o101n, 0o4755n],   EPERM,   'creating set-uid'],
  ['openat',      [3n, 0n, 0x410002n, 0o4755n], EPERM,  'O_TMPFILE set-uid'],
  ['open',        [0n, 0o101n, 0o4755n],       EPERM,   'creating set-uid'],
  ['open',        [0n, 0x10000n, 0o4755n],     ALLOWED, 'a directory'],
  ['openat2',     [3n, 0n, 0n, 24n],           ENOSYS,  'a mode behind a pointer'],
  ['fallocate',   [3n, 0n, 0n, 4096n],         EOPNOTSUPP, 'room that nobody has counted'],
]

for (const architecture of ['x64', 'arm64'] as const satisfies readonly Architecture[]) {
  describe(`filter for ${architecture}`, () => {
    const filter = buildFilter(architecture)
    const { allowed, denied, filtered } = syscalls[architecture] as Record<string, Record<string, number>>
    const decide = (number: number, args: readonly bigint[] = []) =>
      simulate(filter, { architecture: CODES[architecture], number, args })

    it('allows what the table allows, and denies what it denies', () => {
      for (const [name, number] of Object.entries(allowed!)) assert.equal(decide(number), ALLOWED, name)
      for (const [name, number] of Object.entries(denied!)) assert.equal(decide(number), EPERM, name)
    })

    it('knows no other number', () => {
      const known = new Set([allowed!, denied!, filtered!].flatMap((numbers) => Object.values(numbers)))
      const unknown = fc.nat(0xffff_ffff).filter((number) => !known.has(number))
      for (let number = 0; number < 1000; number++) if (!known.has(number)) assert.equal(decide(number), ENOSYS)
      fc.assert(fc.property(unknown, (number) => decide(number) === ENOSYS))
    })

    it('kills calls of another architecture', () => {
      for (const foreign of [0x40000003, 0x40000028, ...Object.values(CODES)]) {
        if (foreign === CODES[architecture]) continue
        assert.equal(simulate(filter, { architecture: foreign, number: allowed!['read']! }), KILLED)
      }
    })

    for (const [name, args, action, what] of ROWS) {
      const number = filtered![name]
      if (number === undefined) continue // a call that this architecture does not have
      it(`${name}: ${what}`, () => assert.equal(decide(number, args).toString(16), action.toString(16)))
    }

    it('has a row for every call whose arguments decide', () => {
      for (const name of Object.keys(filtered!))
        assert.ok(
          ROWS.some(([row]) => row === name),
          name,
        )
    })
  })
}

it('x32 calls do not exist, although they carry the architecture of x64', () => {
  assert.equal(simulate(buildFilter('x64'), { architecture: CODES.x64, number: 0x40000000 }), ENOSYS)
})

it('there is no filter for other processors', () => {
  assert.ok(isSupportedArchitecture('arm64'))
  assert.ok(!isSupportedArchitecture('riscv64'))
})

it('no number is in two lists', () => {
  for (const { allowed, denied, filtered } of [syscalls.x64, syscalls.arm64]) {
    const numbers = [allowed, denied, filtered].flatMap((list) => Object.values(list))
    assert.equal(new Set(numbers).size, numbers.length)
  }
})
