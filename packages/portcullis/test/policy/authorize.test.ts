import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from '../../src/core/cancellation.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { Fault } from '../../src/core/fault.ts'
import type { Authenticated, Principal } from '../../src/core/principal.ts'
import type { Routed } from '../../src/core/route.ts'
import type { Parsed, Target } from '../../src/mcp/call.ts'
import type { Resolved } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'
import { authorize, reveal } from '../../src/policy/authorize.ts'
import { FETCH, load, NOON, principal, READ, tool } from './fixture.ts'

type Known = Exchange & Routed & Authenticated & Parsed & Resolved

function exchange(who: Principal, method: string, item: Target, params: Params, more: Partial<Known> = {}): Known {
  const message = { jsonrpc: '2.0', id: 1, method, params } as const
  return {
    incident: 'i',
    receivedAt: NOON.at,
    peer: { address: NOON.address, encrypted: true },
    head: { method: 'POST', path: '/files', query: '', headers: {} },
    body: { read: () => Buffer.alloc(0) },
    outlet: { send: () => {}, open: () => {} },
    departure: new Cancellation(),
    route: { kind: 'upstream', upstream: 'files' },
    resource: 'https://gateway/files',
    principal: who,
    call: { message, kind: 'request', era: 'modern', version: '2026-07-28', method, params, target: item },
    upstream: 'files',
    item,
    ...more,
  }
}

const NONE: Target = { kind: 'none' }
const callOf = (who: Principal, definition: typeof READ, args?: unknown, more: Partial<Known> = {}) =>
  exchange(
    who,
    'tools/call',
    { kind: 'tool', name: definition.name },
    { name: definition.name, ...(args !== undefined && { arguments: args }) },
    { tool: definition, upstream: definition.upstream, ...more },
  )

const engine = await load(`
@id("demo") permit(principal in Role::"developer", action == Action::"tools/call", resource == Tool::"files/read_file")
  when { context.args.path like "/demo/*" };
@id("docs") permit(principal in Role::"developer", action == Action::"resources/read", resource in Upstream::"files")
  when { resource.uri like "file:///docs/*" };
@id("help") permit(principal, action == Action::"prompts/get", resource == Prompt::"files/help");
`)
const stage = authorize(() => engine)
const revealed = reveal(() => engine)
const developer = principal(['developer'])

const code = (run: () => unknown): string => {
  try {
    run()
    return 'allowed'
  } catch (thrown) {
    return thrown instanceof Fault ? thrown.code : String(thrown)
  }
}

describe('policy.authorize', () => {
  it('gives the decision with the deciding policy and the revision', () => {
    assert.deepEqual(stage.check(callOf(developer, READ, { path: '/demo/a' })), {
      decision: { effect: 'allow', policies: ['demo'], revision: engine.revision },
    })
  })

  it('denies arguments that no permit covers, and takes missing ones for none', () => {
    for (const args of [{ path: '/etc/passwd' }, undefined, null, [], 'x']) {
      assert.equal(
        code(() => stage.check(callOf(developer, READ, args))),
        'policy.denied',
      )
    }
  })

  it('makes a hidden tool look like one that does not exist', () => {
    const hidden = code(() => stage.check(callOf(principal(['reader']), READ, { path: '/demo/a' })))
    const unknown = code(() =>
      stage.check(callOf(developer, READ, { path: '/demo/a' }, { item: { kind: 'tool', name: 'none' } })),
    )
    assert.deepEqual([hidden, unknown], ['policy.unknown_target', 'policy.unknown_target'])
  })

  it('refuses a definition other than the one that the policies were checked against', () => {
    const other = tool('files', 'read_file', { path: { type: 'string' }, exec: { type: 'string' } })
    assert.equal(
      code(() => stage.check(callOf(developer, other, { path: '/demo/a' }))),
      'policy.unknown_target',
    )
    assert.equal(
      code(() => stage.check(callOf(developer, FETCH, { url: 'x' }, { upstream: 'files' }))),
      'policy.unknown_target',
    )
  })

  it('decides about prompts, resources and connections', () => {
    const ask = (who: Principal, method: string, item: Target) =>
      code(() => stage.check(exchange(who, method, item, {})))
    assert.equal(ask(principal([]), 'prompts/get', { kind: 'prompt', name: 'help' }), 'allowed')
    assert.equal(ask(principal([]), 'prompts/get', { kind: 'prompt', name: 'other' }), 'policy.unknown_target')
    assert.equal(ask(developer, 'resources/read', { kind: 'resource', name: 'file:///docs/a' }), 'allowed')
    assert.equal(ask(developer, 'resources/read', { kind: 'resource', name: 'file:///etc' }), 'policy.unknown_target')
    assert.equal(
      ask(developer, 'resources/subscribe', { kind: 'resource', name: 'file:///docs/a' }),
      'policy.unknown_target',
    )
    for (const method of ['initialize', 'tools/list', 'server/discover', ''])
      assert.equal(ask(developer, method, NONE), 'allowed')
  })

  it('refuses a method that needs a target and has none', () => {
    for (const method of ['tools/call', 'resources/read', 'completion/complete', 'tasks/get']) {
      assert.equal(
        code(() => stage.check(exchange(developer, method, NONE, {}))),
        'policy.unknown_target',
        method,
      )
    }
  })

  it('lets a message without a target through on the aggregate path when any upstream may be used', () => {
    const aggregate = (who: Principal) => {
      const { upstream: _none, ...rest } = exchange(who, 'tools/list', NONE, {}, { route: { kind: 'aggregate' } })
      return code(() => stage.check(rest))
    }
    assert.equal(aggregate(developer), 'allowed')
    assert.equal(aggregate(principal([], { upstreams: ['web'] })), 'policy.denied')
  })

  it('denies connecting to an upstream that the credential is not for', () => {
    const limited = principal(['developer'], { upstreams: ['web'] })
    assert.equal(
      code(() => stage.check(exchange(limited, 'initialize', NONE, {}))),
      'policy.denied',
    )
    assert.equal(
      code(() => stage.check(callOf(limited, READ, { path: '/demo/a' }))),
      'policy.unknown_target',
    )
  })

  it('follows the policies in force at the time of the call', async () => {
    let current = engine
    const following = authorize(() => current)
    assert.equal(
      code(() => following.check(callOf(developer, READ, { path: '/demo/a' }))),
      'allowed',
    )
    current = await load('forbid(principal, action, resource);')
    assert.equal(
      code(() => following.check(callOf(developer, READ, { path: '/demo/a' }))),
      'policy.unknown_target',
    )
  })
})

describe('policy.reveal', () => {
  it('lets through what could be allowed with some arguments, and nothing else', () => {
    assert.equal(
      code(() => revealed.check(callOf(developer, READ, { path: '/etc' }))),
      'allowed',
    )
    assert.equal(
      code(() => revealed.check(callOf(principal([]), READ, { path: '/demo/a' }))),
      'policy.unknown_target',
    )
    assert.equal(
      code(() => revealed.check(exchange(principal([]), 'tools/list', NONE, {}))),
      'allowed',
    )
  })
})
