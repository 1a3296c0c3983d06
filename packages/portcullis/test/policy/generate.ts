/** Random policies in Cedar's JSON form, mostly well typed, and random requests, for fast-check. */
import type { Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import type { Principal } from '../../src/core/principal.ts'
import type { Params } from '../../src/mcp/message.ts'
import type { Aim } from '../../src/policy/vocabulary.ts'
import { call, connect, NOON, principal, read } from './fixture.ts'
import type { OracleRequest } from './oracle.ts'

type Arb = fc.Arbitrary<Expr>
const value = (constant: string | number | boolean): Expr => ({ Value: constant })
const entity = (type: string, id: string): Expr => ({ Value: { __entity: { type, id } } })
const dot = (left: Expr, ...path: string[]): Expr =>
  path.reduce((at, attr): Expr => ({ '.': { left: at, attr } }), left)
const v = (name: 'principal' | 'action' | 'resource' | 'context'): Expr => ({ Var: name })
const args = (...path: string[]) => dot(v('context'), 'args', ...path)
const extension = (name: string, ...operands: Expr[]): Expr => ({ [name]: operands })
const pick = (...choices: Expr[]): Arb => fc.constantFrom(...choices)

const TEXTS = ['acme', 'jwt', 'api-key', '/demo/a', '/demo/', 'read_file', 'files', 'modern', 'é*', '', 'x']
const text: Arb = fc.oneof(
  fc.constantFrom(...TEXTS).map(value),
  pick(
    dot(v('principal'), 'id'),
    dot(v('principal'), 'tenant'),
    dot(v('principal'), 'credential'),
    dot(v('principal'), 'acr'),
    dot(v('resource'), 'name'),
    dot(v('resource'), 'uri'),
    dot(v('resource'), 'upstream'),
    dot(v('context'), 'era'),
    args('path'),
    args('note'),
    args('deep', 'name'),
  ),
)
const entities: Arb = pick(
  v('principal'),
  v('resource'),
  v('action'),
  entity('Role', 'developer'),
  entity('User', 'key:1'),
  entity('User', 'key:2'),
  entity('Upstream', 'files'),
  entity('Tool', 'files/read_file'),
  entity('Action', 'use'),
  entity('Action', 'tools/call'),
  entity('Resource', 'files/file:///demo/a'),
)
const ip: Arb = fc.oneof(
  fc
    .constantFrom('10.0.0.0/8', '10.1.2.3', '127.0.0.1', '::1', '2001:db8::/32', 'ff02::1', '224.0.0.1/4', 'x')
    .map((one) => extension('ip', value(one))),
  pick(dot(v('context'), 'address')),
)
const decimal: Arb = fc.oneof(
  fc
    .constantFrom('1.5', '0.0', '-0.25', '922337203685477.5807', '1.23456')
    .map((one) => extension('decimal', value(one))),
  pick(args('ratio')),
)
const duration: Arb = fc
  .constantFrom('1h', '-90m', '1d2h3m4s5ms', '0ms', '5000d', '1m5ms', 'h')
  .map((one) => extension('duration', value(one)))
const datetime: Arb = fc.oneof(
  fc
    .constantFrom(
      '2026-07-29',
      '2026-07-29T12:30:00Z',
      '1969-12-31T23:59:59.999Z',
      '2026-07-29T14:30:00+0200',
      '2026-02-30',
    )
    .map((one) => extension('datetime', value(one))),
  pick(dot(v('context'), 'time', 'now')),
)
const pattern = fc.array(
  fc.constantFrom('Wildcard' as const, { Literal: '/' }, { Literal: 'd' }, { Literal: 'demo' }, { Literal: '*' }),
  { maxLength: 5 },
)

const both = (operator: string, left: Arb, right: Arb = left): Arb =>
  fc.tuple(left, right).map(([one, other]) => ({ [operator]: { left: one, right: other } }) as unknown as Expr)

const { bool } = fc.letrec<{ bool: Expr; long: Expr; set: Expr; record: Expr; any: Expr; moment: Expr }>((tie) => ({
  moment: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'e' },
    datetime,
    fc.tuple(tie('moment'), duration).map((parts) => extension('offset', ...parts)),
    tie('moment').map((one) => extension('toDate', one)),
  ),
  long: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'e' },
    fc.constantFrom(0, 1, -3, 12, Number.MAX_SAFE_INTEGER).map(value),
    pick(dot(v('context'), 'time', 'hour'), dot(v('context'), 'time', 'weekday'), args('count')),
    both('+', tie('long')),
    both('-', tie('long')),
    both('*', tie('long')),
    tie('long').map((arg): Expr => ({ neg: { arg } })),
    fc
      .tuple(fc.constantFrom('toMilliseconds', 'toSeconds', 'toHours', 'toDays'), duration)
      .map(([name, one]) => extension(name, one)),
    fc.tuple(tie('moment'), tie('moment')).map((parts) => extension('toMinutes', extension('durationSince', ...parts))),
    tie('moment').map((one) => extension('toMilliseconds', extension('toTime', one))),
  ),
  set: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'e' },
    fc.array(text, { maxLength: 3 }).map((Set): Expr => ({ Set })),
    pick(dot(v('principal'), 'roles'), dot(v('principal'), 'scopes'), dot(v('principal'), 'amr'), args('tags')),
    fc.array(entities, { maxLength: 2 }).map((Set): Expr => ({ Set })),
    fc.array(tie('any'), { maxLength: 2 }).map((Set): Expr => ({ Set })),
  ),
  record: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'e' },
    pick(v('context'), args(), args('deep'), dot(v('context'), 'time')),
    tie('any').map((flag): Expr => ({ Record: { flag } })),
    fc.constant<Expr>({ Record: {} }),
  ),
  any: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'e' },
    text,
    entities,
    ip,
    decimal,
    duration,
    tie('moment'),
    tie('long'),
    tie('set'),
    tie('record'),
    tie('bool'),
  ),
  bool: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'e', withCrossShrink: true },
    fc.boolean().map(value),
    pick(
      args('force'),
      args('deep', 'flag'),
      dot(v('resource'), 'readOnly'),
      dot(v('context'), 'encrypted'),
      dot(v('principal'), 'senderConstrained'),
    ),
    both('==', text),
    both('!=', tie('long')),
    both('==', tie('moment')),
    both('==', entities),
    both('==', tie('set')),
    both('==', tie('record')),
    both('==', tie('any')),
    both('==', ip),
    both('<', tie('long')),
    both('<=', tie('moment')),
    both('>', duration),
    both('>=', tie('any')),
    both('in', entities),
    both('in', entities, tie('set')),
    fc
      .tuple(fc.constantFrom('lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'), decimal, decimal)
      .map(([name, ...parts]) => extension(name, ...parts)),
    fc.tuple(ip, ip).map((parts) => extension('isInRange', ...parts)),
    fc
      .tuple(fc.constantFrom('isLoopback', 'isMulticast', 'isIpv4', 'isIpv6'), ip)
      .map(([name, one]) => extension(name, one)),
    fc
      .tuple(tie('record'), fc.constantFrom('flag', 'count', 'tags', 'args', 'hour'))
      .map(([left, attr]): Expr => ({ has: { left, attr } })),
    fc
      .tuple(
        pick(v('context')),
        fc.constantFrom<string[]>(['args', 'deep', 'name'], ['args', 'note'], ['time', 'hour'], ['none', 'x']),
      )
      .map(([left, attr]): Expr => ({ has: { left, attr } })),
    fc
      .tuple(entities, fc.constantFrom('scopes', 'acr', 'amr', 'readOnly', 'uri'))
      .map(([left, attr]): Expr => ({ has: { left, attr } })),
    fc.tuple(text, pattern).map(([left, parts]): Expr => ({ like: { left, pattern: parts } })),
    fc
      .tuple(entities, fc.constantFrom('User', 'Tool', 'Resource'))
      .map(([left, entity_type]): Expr => ({ is: { left, entity_type } })),
    fc.tuple(entities, entities).map(([left, parent]): Expr => ({ is: { left, entity_type: 'Tool', in: parent } })),
    both('contains', tie('set'), tie('any')),
    both('contains', tie('set'), text),
    both('containsAll', tie('set')),
    both('containsAny', tie('set')),
    tie('set').map((arg): Expr => ({ isEmpty: { arg } })),
    both('hasTag', entities, text),
    both('&&', tie('bool')),
    both('&&', tie('bool')),
    both('||', tie('bool')),
    both('||', tie('bool'), tie('any')),
    tie('bool').map((arg): Expr => ({ '!': { arg } })),
    fc
      .tuple(tie('bool'), tie('bool'), tie('bool'))
      .map(([one, then, other]): Expr => ({ 'if-then-else': { if: one, then, else: other } })),
  ),
}))

const name = (type: string, id: string) => ({ entity: { type, id } })
const scopes = {
  principal: fc.constantFrom<PolicyJson['principal']>(
    { op: 'All' },
    { op: 'All' },
    { op: 'in', ...name('Role', 'developer') },
    { op: 'in', ...name('Role', 'auditor') },
    { op: '==', ...name('User', 'key:1') },
    { op: 'is', entity_type: 'User' },
    { op: 'is', entity_type: 'User', in: name('Role', 'developer') },
    { op: 'is', entity_type: 'Tool' },
  ),
  action: fc.constantFrom<PolicyJson['action']>(
    { op: 'All' },
    { op: '==', ...name('Action', 'tools/call') },
    { op: '==', ...name('Action', 'connect') },
    { op: 'in', ...name('Action', 'use') },
    {
      op: 'in',
      entities: [
        { type: 'Action', id: 'tools/call' },
        { type: 'Action', id: 'resources/read' },
      ],
    },
  ),
  resource: fc.constantFrom<PolicyJson['resource']>(
    { op: 'All' },
    { op: 'All' },
    { op: 'in', ...name('Upstream', 'files') },
    { op: '==', ...name('Tool', 'files/read_file') },
    { op: '==', ...name('Resource', 'files/file:///demo/a') },
    { op: 'is', entity_type: 'Tool' },
    { op: 'is', entity_type: 'Resource', in: name('Upstream', 'files') },
  ),
}

const policy: fc.Arbitrary<PolicyJson> = fc.record({
  effect: fc.constantFrom('permit', 'permit', 'permit', 'forbid'),
  ...scopes,
  conditions: fc.array(fc.record({ kind: fc.constantFrom('when', 'when', 'unless'), body: bool }), { maxLength: 2 }),
})

export const policySets: fc.Arbitrary<readonly PolicyJson[]> = fc.array(policy, { minLength: 1, maxLength: 5 })

const principals: fc.Arbitrary<Principal> = fc
  .record({
    id: fc.constantFrom('key:1', 'key:2'),
    tenant: fc.constantFrom('acme', 'other'),
    roles: fc.subarray(['developer', 'auditor', 'x']),
    kind: fc.constantFrom('api-key' as const, 'jwt' as const, 'certificate' as const),
    bound: fc.constantFrom(undefined, 'key' as const),
    acr: fc.constantFrom(undefined, 'acme', 'x'),
    amr: fc.option(fc.subarray(['x', 'acme']), { nil: undefined }),
    scopes: fc.option(fc.subarray(['x', 'read']), { nil: undefined }),
  })
  .map(({ id, tenant, roles, kind, bound, acr, amr, scopes: granted }) => {
    const strength = { ...(bound && { bound }), ...(acr !== undefined && { acr }), ...(amr && { amr }) }
    const credential = { kind, id: '1', ...strength }
    return principal(roles, { id, tenant, credential, ...(granted && { scopes: granted }) })
  })

const fileArgs: fc.Arbitrary<Params> = fc.record(
  {
    path: fc.constantFrom('/demo/a', '/demo/', 'x', ''),
    count: fc.constantFrom(0, 12, -3, Number.MAX_SAFE_INTEGER),
    ratio: fc.constantFrom(1.5, 0, -0.25, 7),
    force: fc.boolean(),
    tags: fc.subarray(['x', 'acme', '']),
    deep: fc.record({ flag: fc.boolean(), name: fc.constantFrom('x', 'acme') }, { requiredKeys: ['flag'] }),
    note: fc.constantFrom(null, 'x', 'acme'),
  },
  { requiredKeys: ['path'] },
)

const aims: fc.Arbitrary<{ aim: Aim; args: Params }> = fc.oneof(
  fileArgs.map((sent) => ({ aim: call('files', 'read_file'), args: sent })),
  fileArgs.map((sent) => ({ aim: call('files', 'read_file'), args: sent })),
  fc.constant({ aim: call('files', 'write_file'), args: { path: '/demo/a' } }),
  fc.constant({ aim: call('web', 'fetch'), args: { url: 'x' } }),
  fc.constantFrom('file:///demo/a', 'file:///demo/b').map((uri) => ({ aim: read('files', uri), args: {} })),
  fc.constant({ aim: connect('files'), args: {} }),
)

export const requests: fc.Arbitrary<OracleRequest> = fc
  .record({
    principal: principals,
    target: aims,
    address: fc.constantFrom('10.1.2.3', '127.0.0.1', '2001:db8::5'),
    encrypted: fc.boolean(),
  })
  .map(({ principal: who, target, address, encrypted }) => ({
    principal: who,
    ...target,
    circumstances: { ...NOON, address, encrypted, method: target.aim.action },
  }))
