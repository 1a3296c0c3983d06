/** Our system call filter in the form that docker and podman take: the JSON of the OCI runtime specification, "seccomp". */
import { type Architecture, buildFilter } from '../seccomp.ts'
import syscalls from '../syscalls.json' with { type: 'json' }
import { type CallRule, rulesOfCall } from './seccomp-rules.ts'

export interface SeccompProfile {
  readonly defaultAction: 'SCMP_ACT_ERRNO'
  readonly defaultErrnoRet: number
  readonly architectures: readonly string[]
  readonly syscalls: readonly ProfileEntry[]
}

/** An entry matches when all of `args` do. */
export interface ProfileEntry {
  readonly names: readonly string[]
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'
  readonly errnoRet?: number
  readonly args?: readonly ProfileArgument[]
}

/** Matches when the argument's bits in `value` are exactly `valueTwo` (libseccomp, SCMP_CMP_MASKED_EQ). */
export interface ProfileArgument {
  readonly index: number
  readonly value: number
  readonly valueTwo: number
  readonly op: 'SCMP_CMP_MASKED_EQ'
}

const ALLOWED = 0x7fff_0000
const ENOSYS = 38
const WITH_ERRNO = 0x0005_0000

const TARGETS = {
  x64: { code: 0xc000_003e, name: 'SCMP_ARCH_X86_64' },
  arm64: { code: 0xc000_00b7, name: 'SCMP_ARCH_AARCH64' },
} as const satisfies Record<Architecture, object>

/** Calls that no entry names, foreign ABIs apart, do not exist: the engine's own profile is not used at all. */
export function buildSeccompProfile(architecture: Architecture): SeccompProfile {
  const filter = buildFilter(architecture)
  const { code, name } = TARGETS[architecture]
  const { allowed, denied, filtered } = syscalls[architecture]
  const rulesOf = (number: number) => rulesOfCall(filter, { architecture: code, number }, WITH_ERRNO | ENOSYS)
  const conditional = Object.entries(filtered).flatMap(([call, number]) =>
    rulesOf(number).map((rule) => entryOf([call], rule)),
  )
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    architectures: [name],
    syscalls: [
      { names: Object.keys(allowed), action: 'SCMP_ACT_ALLOW' },
      { names: Object.keys(denied), action: 'SCMP_ACT_ERRNO', errnoRet: 1 },
      ...conditional,
    ],
  }
}

function entryOf(names: readonly string[], { action, args }: CallRule): ProfileEntry {
  const compared = args.map(({ index, mask, value }) => ({
    index,
    value: mask,
    valueTwo: value,
    op: 'SCMP_CMP_MASKED_EQ' as const,
  }))
  if (action === ALLOWED) return { names, action: 'SCMP_ACT_ALLOW', args: compared }
  return { names, action: 'SCMP_ACT_ERRNO', errnoRet: action & 0xffff, args: compared }
}
