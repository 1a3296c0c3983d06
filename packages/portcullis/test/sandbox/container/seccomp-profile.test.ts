import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  buildSeccompProfile,
  type ProfileEntry,
  type SeccompProfile,
} from '../../../src/sandbox/container/seccomp-profile.ts'
import { type Architecture, buildFilter } from '../../../src/sandbox/seccomp.ts'
import syscalls from '../../../src/sandbox/syscalls.json' with { type: 'json' }
import { simulate } from '../seccomp-simulator.ts'

const ALLOWED = 0x7fff_0000
const CODES = { x64: 0xc000_003e, arm64: 0xc000_00b7 }

/** What libseccomp makes of a profile: an entry counts when all of its comparisons hold. Overlaps must not disagree. */
function answer({ syscalls: entries, defaultErrnoRet }: SeccompProfile, name: string, args: readonly bigint[]): number {
  const found = new Set(entries.filter((entry) => entry.names.includes(name) && holds(entry, args)).map(actionOf))
  assert.ok(found.size < 2, `${name} has two answers`)
  return [...found][0] ?? 0x5_0000 | defaultErrnoRet
}

const holds = ({ args = [] }: ProfileEntry, given: readonly bigint[]) =>
  args.every(({ index, value, valueTwo }) => ((given[index] ?? 0n) & BigInt(value)) === BigInt(valueTwo))

const actionOf = ({ action, errnoRet = 0 }: ProfileEntry) =>
  action === 'SCMP_ACT_ALLOW' ? ALLOWED : 0x5_0000 | errnoRet

const interesting = fc.constantFrom(
  ...[
    0n,
    1n,
    2n,
    6n,
    8n,
    10n,
    16n,
    17n,
    35n,
    0o100n,
    0o101n,
    0o644n,
    0o755n,
    0o2755n,
    0o4755n,
    0o6000n,
    0x5412n,
    0x541cn,
  ],
  ...[0x10000000n, 0x20000n, 0x40000n, 0x3d0f00n, 0x59616d61n, 0xffffffffn, 0x1_0000_5412n, 0x80801n, 0o20000000n],
)
const word = fc.oneof(interesting, fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }))

for (const architecture of ['x64', 'arm64'] as const satisfies readonly Architecture[]) {
  describe(`the profile for ${architecture}`, () => {
    const profile = buildSeccompProfile(architecture)
    const filter = buildFilter(architecture)
    const { allowed, denied, filtered } = syscalls[architecture]
    const numbers: Readonly<Record<string, number>> = { ...allowed, ...denied, ...filtered }

    it('answers every call as the filter does, whatever its arguments', () => {
      fc.assert(
        fc.property(fc.constantFrom(...Object.keys(filtered)), fc.tuple(word, word, word, word), (name, args) => {
          const expected = simulate(filter, { architecture: CODES[architecture], number: numbers[name] ?? -1, args })
          assert.equal(answer(profile, name, args), expected, `${name} ${args.join()}`)
        }),
        { numRuns: 3000 },
      )
    })

    it('names every call that the filter knows', () => {
      for (const [name, number] of Object.entries({ ...allowed, ...denied })) {
        const expected = simulate(filter, { architecture: CODES[architecture], number })
        assert.equal(answer(profile, name, []), expected, name)
      }
    })

    it('compares each argument once in an entry, because engines take several for alternatives', () => {
      for (const { args = [] } of profile.syscalls) {
        assert.equal(new Set(args.map(({ index }) => index)).size, args.length)
        assert.ok(args.every(({ value, valueTwo }) => value > 0 && (valueTwo & ~value) === 0))
      }
    })

    it('is small enough for the kernel', () => assert.ok(profile.syscalls.length < 800))
  })
}

it('what no entry names does not exist', () => {
  const { defaultAction, defaultErrnoRet } = buildSeccompProfile('x64')
  assert.deepEqual([defaultAction, defaultErrnoRet], ['SCMP_ACT_ERRNO', 38])
})
