/** AU-2: an argument whose role is `secret` is shown to nobody but its tool, wherever it stands. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PlanNode, Station } from '../../src/inspection/plan-node.ts'
import type { Role } from '../../src/inspection/role.ts'
import { withoutSecrets } from '../../src/inspection/without-secrets.ts'

const station = (role: Role): Station =>
  ({ role, whole: false, inspect: () => [], judge: () => 'allow' }) as unknown as Station
const node = (members: Readonly<Record<string, PlanNode>>, more: Partial<PlanNode> = {}): PlanNode => ({
  members: new Map(Object.entries(members)),
  ...more,
})
const secret = node({}, { station: station('secret') })
const text = node({}, { station: station('text') })

describe('arguments without secrets', () => {
  for (const [what, plan, value, expected] of [
    ['at the outermost level', node({ pin: secret }), { pin: 'x', user: 'ada' }, { pin: '[secret]', user: 'ada' }],
    ['as a number', node({ pin: secret }), { pin: 1234 }, { pin: '[secret]' }],
    ['as an object', node({ pin: secret }), { pin: { a: { b: 'x' } } }, { pin: '[secret]' }],
    [
      'in every element',
      node({ list: node({}, { any: secret }) }),
      { list: ['a', 'b'] },
      { list: ['[secret]', '[secret]'] },
    ],
    ['under any name', node({ map: node({}, { any: secret }) }), { map: { k: 'x' } }, { map: { k: '[secret]' } }],
    [
      'everywhere inside',
      node({ all: node({ open: text }, { inside: station('secret') }) }),
      { all: { deep: ['x'], open: 'y' } },
      { all: { deep: ['[secret]'], open: 'y' } },
    ],
    ['nowhere', node({}), { a: null, b: [1, { c: true }] }, { a: null, b: [1, { c: true }] }],
  ] as const)
    it(what, () => assert.deepEqual(withoutSecrets(value, plan), expected))
})
