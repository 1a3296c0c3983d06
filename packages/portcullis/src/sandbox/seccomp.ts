/** Which system calls a sandboxed process may make: everything that no rule names does not exist for it. */
import {
  and,
  ARCHITECTURE,
  argument,
  assemble,
  type Block,
  branchAtLeast,
  load,
  returns,
  SYSCALL_NUMBER,
  whenAnyBit,
  whenAtLeast,
  whenEqual,
  whenNotEqual,
} from './bpf.ts'
import syscalls from './syscalls.json' with { type: 'json' }

export type Architecture = 'x64' | 'arm64'

/** Actions and errno values of `linux/seccomp.h`. ENOSYS makes C libraries fall back to older calls; EPERM says no. */
const ERRNO = 0x0005_0000
const ALLOW: Block = returns(0x7fff_0000)
const KILL_PROCESS: Block = returns(0x8000_0000)
const EPERM: Block = returns(ERRNO | 1)
const ENOSYS: Block = returns(ERRNO | 38)
const EPROTONOSUPPORT: Block = returns(ERRNO | 93)
const EAFNOSUPPORT: Block = returns(ERRNO | 97)
const EOPNOTSUPP: Block = returns(ERRNO | 95)

const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const satisfies Record<Architecture, number>
const X32_BIT = 0x4000_0000
/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. Only clone3 knows CLONE_NEWTIME. */
const NAMESPACE_FLAGS = 0x7e02_0000
const SET_ID_BITS = 0o6000
/** O_CREAT and the bit that tells O_TMPFILE from O_DIRECTORY. */
const CREATING_FLAGS = 0o100 | 0o20000000

/** True when a filter exists for this `process.arch`. */
export function isSupportedArchitecture(architecture: string): architecture is Architecture {
  return architecture in AUDIT_ARCH
}

/** The filter as bwrap's `--seccomp` takes it. */
export function buildFilter(architecture: Architecture): Buffer {
  return assemble([
    ...load(ARCHITECTURE),
    // A call in another ABI (int 0x80 on x86-64) has other numbers and would walk past every rule.
    ...whenNotEqual(AUDIT_ARCH[architecture], KILL_PROCESS),
    ...load(SYSCALL_NUMBER),
    ...(architecture === 'x64' ? whenAtLeast(X32_BIT, ENOSYS) : []),
    ...argumentRules(syscalls[architecture].filtered),
    ...numberRules(syscalls[architecture]),
  ])
}

function argumentRules(numbers: Readonly<Record<string, number>>): Block {
  return Object.entries(numbers).flatMap(([name, number]) => {
    const rule = ARGUMENT_RULES[name]
    if (rule === undefined) throw new Error(`no rule for system call ${name}`)
    return whenEqual(number, rule)
  })
}

const denyBits = (index: number, bits: number): Block => [
  ...load(argument(index)),
  ...whenAnyBit(bits, EPERM),
  ...ALLOW,
]

const denyValues = (index: number, values: readonly number[]): Block => [
  ...load(argument(index)),
  ...values.flatMap((value) => whenEqual(value, EPERM)),
  ...ALLOW,
]

const allowValues = (index: number, values: readonly number[], otherwise: Block): Block => [
  ...load(argument(index)),
  ...values.flatMap((value) => whenEqual(value, ALLOW)),
  ...otherwise,
]

/** A set-uid file left in a writable directory would be one for the host too. The mode counts only when creating. */
const denySetIdOnCreate = (flagsIndex: number, modeIndex: number): Block => [
  ...load(argument(flagsIndex)),
  ...whenAnyBit(CREATING_FLAGS, denyBits(modeIndex, SET_ID_BITS)),
  ...ALLOW,
]

/** TCP and UDP over IPv4 and IPv6 (types 1 and 2, protocols 0, 6 and 17): no raw, SCTP, DCCP or MPTCP sockets. */
const internetSocket: Block = [
  ...load(argument(1)),
  ...and(0xf),
  ...whenEqual(1, allowValues(2, [0, 6], EPROTONOSUPPORT)),
  ...whenEqual(2, allowValues(2, [0, 17], EPROTONOSUPPORT)),
  ...EPERM,
]

const ARGUMENT_RULES: Readonly<Record<string, Block>> = {
  clone: denyBits(0, NAMESPACE_FLAGS),
  clone3: ENOSYS, // its flags lie behind a pointer
  socket: [
    ...load(argument(0)),
    ...whenEqual(2, internetSocket), // AF_INET
    ...whenEqual(10, internetSocket), // AF_INET6
    ...whenEqual(16, allowValues(2, [0], EAFNOSUPPORT)), // AF_NETLINK: NETLINK_ROUTE, for os.networkInterfaces()
    ...EAFNOSUPPORT, // AF_UNIX too: sockets in shared directories lead to daemons of the host
  ],
  socketpair: allowValues(0, [1], EPERM), // AF_UNIX: pipes to children
  ioctl: denyValues(1, [0x5412, 0x541c]), // TIOCSTI and TIOCLINUX type into the terminal; the kernel reads 32 bits
  personality: allowValues(0, [0, 8, 0x20000, 0x20008, 0xffffffff], EPERM),
  prctl: denyValues(0, [1, 35, 0x59616d61]), // PR_SET_PDEATHSIG (to outlive the gateway), PR_SET_MM, PR_SET_PTRACER
  chmod: denyBits(1, SET_ID_BITS),
  fchmod: denyBits(1, SET_ID_BITS),
  fchmodat: denyBits(2, SET_ID_BITS),
  fchmodat2: denyBits(2, SET_ID_BITS),
  creat: denyBits(1, SET_ID_BITS),
  mknod: denyBits(1, SET_ID_BITS),
  mknodat: denyBits(2, SET_ID_BITS),
  open: denySetIdOnCreate(1, 2),
  openat: denySetIdOnCreate(2, 3),
  openat2: ENOSYS, // its mode lies behind a pointer
  fallocate: EOPNOTSUPP, // takes a whole disk at once, before any quota that is watched has counted it
}

interface Range {
  readonly from: number
  readonly action: Block
}

/** The remaining numbers as a balanced tree of ranges: eight comparisons instead of three hundred. */
function numberRules(table: { readonly allowed: object; readonly denied: object }): Block {
  const actions = new Map<number, Block>()
  for (const number of Object.values(table.allowed)) actions.set(number, ALLOW)
  for (const number of Object.values(table.denied)) actions.set(number, EPERM)
  const ranges: Range[] = []
  for (let number = 0; number <= Math.max(...actions.keys()) + 1; number++) {
    const action = actions.get(number) ?? ENOSYS
    if (ranges.at(-1)?.action !== action) ranges.push({ from: number, action })
  }
  return [...load(SYSCALL_NUMBER), ...searchTree(ranges)]
}

function searchTree(ranges: readonly Range[]): Block {
  const middle = ranges.length >> 1
  const [low, high] = [ranges.slice(0, middle), ranges.slice(middle)]
  const [first] = high
  if (first === undefined) throw new Error('an empty table')
  return low.length === 0 ? first.action : branchAtLeast(first.from, searchTree(low), searchTree(high))
}
