import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type ArgumentPlan, ArgumentPlans } from '../../src/inspection/argument-plan.ts'
import type { InspectionSettings } from '../../src/inspection/argument-settings.ts'
import { ArgumentWalk, pointerTo } from '../../src/inspection/argument-walk.ts'
import { evidence, type Inspect } from '../../src/inspection/finding.ts'
import { RoleInspectors } from '../../src/inspection/role-inspectors.ts'
import type { Role } from '../../src/inspection/role.ts'
import type { ToolDefinition } from '../../src/mcp/definition.ts'
import type { Params } from '../../src/mcp/message.ts'

/** Finds the word ATTACK. */
const attack: Inspect = (value) =>
  value.includes('ATTACK;')
    ? [{ family: 'command', weight: 'strong', reason: 'command.attack', evidence: evidence(value) }]
    : []
const nothing: Inspect = () => []
const tooLong = 'must be short'
const short: Inspect = (value) =>
  value.length > 9
    ? [{ family: 'path', weight: 'breach', reason: 'path.long', evidence: evidence(value), says: tooLong }]
    : []

let loads = 0
const inspectors = () =>
  new RoleInspectors(
    (text) => [{ name: 'raw', text }],
    {
      sql: nothing,
      command: attack,
      option: nothing,
      markup: nothing,
      path: nothing,
      expression: nothing,
      characters: nothing,
      unpaired: nothing,
    },
    {
      path: (rules) => (rules === undefined ? nothing : short),
      url: () => nothing,
      host: () => nothing,
      loadSql: async () => {
        loads++
        return () => attack
      },
      loadShell: () => Promise.reject(new Error('no shell')),
    },
  )

function tool(properties: Params, name = 'do_it'): ToolDefinition {
  const inputSchema = { type: 'object', properties }
  return { upstream: 'u', name, inputSchema, raw: { name, inputSchema }, digest: JSON.stringify([name, properties]) }
}

const TEXT = { type: 'string' }
type Usable = Extract<ArgumentPlan, { usable: true }>

async function planOf(properties: Params, settings: InspectionSettings = { upstreams: {} }): Promise<Usable> {
  const plan = await new ArgumentPlans(settings, inspectors()).of(tool(properties))
  assert.ok(plan.usable, plan.usable ? '' : plan.reason)
  return plan
}

async function found(plan: Usable, args: object): Promise<readonly string[]> {
  const walk = new ArgumentWalk(plan, args)
  await walk.finish(async () => {})
  return walk.judged.map(({ leaf, verdict }) => `${pointerTo(leaf)} ${leaf.station.role} ${verdict}`)
}

describe('one pass', () => {
  test('meets every string with its role, and names that nobody declared as text', async () => {
    const plan = await planOf({
      order_id: TEXT,
      rows: { type: 'array', items: { type: 'object', properties: { user_id: TEXT } } },
      more: { type: 'object' },
    })
    const args = {
      order_id: 'ATTACK;',
      rows: [{ user_id: 'fine' }, { user_id: 'ATTACK;' }],
      more: { 'ATTACK;/~': { deep: ['x', 'ATTACK;'] } },
      undeclared: 'ATTACK;',
      count: 7,
      none: null,
    }
    assert.deepEqual(await found(plan, args), [
      '/order_id identifier refuse',
      '/rows/1/user_id identifier refuse',
      '/more/ATTACK;~1~0 text annotate',
      '/more/ATTACK;~1~0/deep/1 text annotate',
      '/undeclared text annotate',
    ])
  })

  test('needs one turn for what is small and many for what is large', async () => {
    const plan = await planOf({ note: TEXT })
    assert.equal(new ArgumentWalk(plan, { note: 'x; '.repeat(300) }).isUnread, false)
    let turns = 0
    const walk = new ArgumentWalk(plan, { note: 'x; '.repeat(100_000) })
    assert.equal(walk.isUnread, true)
    await walk.finish(async () => void turns++)
    assert.equal(walk.isUnread, false)
    assert.ok(turns >= 5)
  })

  test('finds what lies anywhere in a long value, across every cut', async () => {
    const plan = await planOf({ note: TEXT })
    await fc.assert(
      fc.asyncProperty(fc.nat(120_000), async (at) => {
        const note = `${'.'.repeat(at)}ATTACK;${'.'.repeat(120_000 - at)}`
        assert.ok((await found(plan, { note })).length > 0, String(at))
      }),
      { numRuns: 60 },
    )
  })

  test('finds what is the last of many', async () => {
    const plan = await planOf({ rows: { type: 'array', items: TEXT } })
    const rows = [...Array.from({ length: 20_000 }, () => 'x'), 'ATTACK;']
    assert.deepEqual(await found(plan, { rows }), ['/rows/20000 text annotate'])
  })

  test('keeps what decides, however much is only noted before it', async () => {
    const plan = await planOf({ notes: { type: 'array', items: TEXT }, order_id: TEXT })
    const judged = await found(plan, { notes: Array.from({ length: 500 }, () => 'ATTACK;'), order_id: 'ATTACK;' })
    assert.equal(judged.length, 64)
    assert.ok(judged.includes('/order_id identifier refuse'))
  })

  test('says when more must not pass than it can keep', async () => {
    const plan = await planOf({ order_ids: { type: 'array', items: TEXT } })
    const walk = new ArgumentWalk(plan, { order_ids: Array.from({ length: 65 }, () => 'ATTACK;') })
    assert.equal(walk.isTooMuch, true)
  })
})

describe('a plan', () => {
  const settings = (tools: NonNullable<InspectionSettings['upstreams'][string]>['tools']): InspectionSettings => ({
    upstreams: { u: { ...(tools && { tools }) } },
  })

  test('follows the configuration by name and by pointer, and for everything inside', async () => {
    const plan = await planOf(
      {
        note: TEXT,
        options: { type: 'object', properties: { a: TEXT, b: TEXT } },
        rows: { type: 'array', items: TEXT },
      },
      settings({
        do_it: {
          arguments: {
            note: { role: 'identifier' },
            options: { role: 'code' },
            '/options/b': { role: 'path', path: {} },
            '/rows/*': { role: 'number' },
          },
        },
      }),
    )
    assert.deepEqual(
      await found(plan, { note: 'ATTACK;', options: { a: 'ATTACK;', b: '0123456789' }, rows: ['ATTACK;'] }),
      ['/note identifier refuse', '/options/b path refuse', '/rows/0 number refuse'],
    )
  })

  test('comes before what is approved, and that before what is proposed, anew with each approval', async () => {
    const roles = new Map<string, Role>([
      ['/note', 'text'],
      ['/other', 'identifier'],
    ])
    const approved = {
      generation: 1,
      rolesOf: (upstream: string, name: string) => (upstream === 'u' && name === 'do_it' ? roles : undefined),
    }
    const plans = new ArgumentPlans(
      settings({ do_it: { arguments: { note: { role: 'number' } } } }),
      inspectors(),
      approved,
    )
    const args = { note: 'ATTACK;', other: 'ATTACK;', path: 'ATTACK;' }
    const look = async () => {
      const plan = await plans.of(tool({ note: TEXT, other: TEXT, path: TEXT }))
      return plan.usable ? found(plan, args) : []
    }
    assert.deepEqual(await look(), ['/note number refuse', '/other identifier refuse', '/path path refuse'])
    roles.set('/other', 'host').set('/path', 'text')
    assert.deepEqual((await look())[1], '/other identifier refuse', 'nothing was approved yet')
    approved.generation++
    assert.deepEqual(await look(), ['/note number refuse', '/other host refuse', '/path text annotate'])
  })

  test('holds for everything inside, however deep and whatever its form', async () => {
    const plan = await planOf(
      { options: { type: 'object' }, rows: { type: 'array' }, either: { anyOf: [TEXT, { type: 'object' }] } },
      settings({
        do_it: { arguments: { options: { role: 'number' }, rows: { role: 'number' }, either: { role: 'number' } } },
      }),
    )
    const args = { options: { a: { b: ['ATTACK;'] } }, rows: [[['ATTACK;']]], either: { a: { b: 'ATTACK;' } } }
    assert.deepEqual(await found(plan, args), [
      '/options/a/b/0 number refuse',
      '/rows/0/0/0 number refuse',
      '/either/a/b number refuse',
    ])
  })

  test('by `*` holds for members that are declared too', async () => {
    const inputSchema = {
      type: 'object',
      properties: { note: {}, deep: { type: 'object', properties: { a: TEXT } } },
      additionalProperties: true,
    }
    const plans = new ArgumentPlans(
      settings({ do_it: { arguments: { '/deep/a': { role: 'text' }, '/*': { role: 'number' } } } }),
      inspectors(),
    )
    const plan = await plans.of({ ...tool({}), inputSchema })
    assert.ok(plan.usable)
    const args = { note: 'ATTACK;', other: 'ATTACK;', deep: { a: 'ATTACK;', b: ['ATTACK;'] } }
    assert.deepEqual(await found(plan, args), [
      '/note number refuse',
      '/other number refuse',
      '/deep/a text annotate',
      '/deep/b/0 number refuse',
    ])
    assert.deepEqual(await found(plan, { note: { x: 'ATTACK;' } }), ['/note/x number refuse'])
  })

  test('knows the members of what lies inside itself', async () => {
    const tree = {
      type: 'object',
      properties: { node_id: TEXT, kids: { type: 'array', items: { $ref: '#/$defs/tree' } } },
    }
    const inputSchema = { type: 'object', properties: { tree: { $ref: '#/$defs/tree' } }, $defs: { tree } }
    const plan = await new ArgumentPlans({ upstreams: {} }, inspectors()).of({ ...tool({}), inputSchema })
    assert.ok(plan.usable)
    const leaf = { node_id: 'ATTACK;' }
    assert.deepEqual(await found(plan, { tree: { kids: [leaf, { kids: [{ kids: [leaf] }] }] } }), [
      '/tree/kids/0/node_id identifier refuse',
      '/tree/kids/1/kids/0/kids/0/node_id identifier refuse',
    ])
  })

  test('refuses the number of an element, which would protect only that one', async () => {
    const rows = { type: 'array', items: { type: 'object', properties: { a: TEXT } } }
    const plans = new ArgumentPlans(settings({ do_it: { arguments: { '/rows/0/a': { role: 'path' } } } }), inspectors())
    const plan = await plans.of(tool({ rows }))
    assert.deepEqual(plan, { usable: false, reason: 'the configuration names unknown arguments: /rows/0/a' })
  })

  test('takes the role from the rules when only those are given', async () => {
    const plan = await planOf({ note: TEXT }, settings({ do_it: { arguments: { note: { path: {} } } } }))
    assert.deepEqual(await found(plan, { note: '0123456789' }), ['/note path refuse'])
  })

  test('refuses a tool whose configuration names an argument that is not there', async () => {
    const plans = new ArgumentPlans(settings({ do_it: { arguments: { nota: { role: 'text' } } } }), inspectors())
    const plan = await plans.of(tool({ note: TEXT }))
    assert.deepEqual(plan, { usable: false, reason: 'the configuration names unknown arguments: nota' })
  })

  test('is made once for a definition of an upstream, and waits for a parser only once', async () => {
    const plans = new ArgumentPlans({ upstreams: {} }, inspectors())
    const before = loads
    const definition = tool({ sql: TEXT })
    assert.ok(plans.of(definition) instanceof Promise)
    const plan = await plans.of(definition)
    assert.equal(plans.of(definition), plan)
    const other = plans.of(tool({ sql: TEXT }, 'another'))
    assert.ok(!(other instanceof Promise))
    assert.ok(loads - before <= 2)
    assert.notEqual(plans.of({ ...definition, upstream: 'v' }), plan)
  })

  test('is made ahead one tool a turn, and one role is one station', async () => {
    const plans = new ArgumentPlans({ upstreams: {} }, inspectors())
    const tools = Array.from({ length: 20 }, (_, i) => tool({ a_id: TEXT, b_id: TEXT }, `tool_${i}`))
    const preparing = plans.prepare(tools)
    const immediate = new Promise<void>((resolve) => setImmediate(resolve))
    assert.equal(await Promise.race([preparing.then(() => 'all'), immediate.then(() => 'turn')]), 'turn')
    await preparing
    const plan = plans.of(tools[0] as ToolDefinition)
    assert.ok(!(plan instanceof Promise) && plan.usable)
    assert.equal(plan.root.members.get('a_id')?.station, plan.root.members.get('b_id')?.station)
  })

  test('of a tool whose definition changes all day is one, and drives out nobody', () => {
    const plans = new ArgumentPlans({ upstreams: {} }, inspectors(), undefined, 2)
    const steady = tool({ a_id: TEXT }, 'steady')
    const kept = plans.of(steady)
    for (let day = 0; day < 50; day++) {
      const plan = plans.of(tool({ [`a${day}_id`]: TEXT }, 'restless'))
      assert.ok(!(plan instanceof Promise) && plan.usable)
      assert.deepEqual([...plan.root.members.keys()], [`a${day}_id`])
    }
    assert.equal(plans.of(steady), kept)
    plans.of(tool({}, 'third'))
    assert.notEqual(plans.of(steady), kept)
  })

  test('that cannot have its parser rejects, and so does the call', async () => {
    const plans = new ArgumentPlans({ upstreams: {} }, inspectors())
    await assert.rejects(Promise.resolve(plans.of(tool({ bash_command: TEXT }))), /no shell/)
  })
})
