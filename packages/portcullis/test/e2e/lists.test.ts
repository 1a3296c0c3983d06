/** TR-3: who and what is on a list is refused at the right place, nothing of it happens, and what is under way ends. */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, describe, it } from 'node:test'
import { runCommand } from '../../src/cli/main.ts'
import { recordsOf } from '../fixtures/audit.ts'
import { ask, callTool, modern, openSession, type Reply, send, stream } from '../fixtures/client.ts'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

interface Site {
  readonly upstream: CountingUpstream
  readonly gateway: TestGateway
  readonly folder: string
}

async function site(
  t: TestContext,
  traffic: (folder: string) => object = () => ({}),
  more: object = {},
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-lists-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const upstream = await startCounting([ECHO, { name: 'other' }])
  t.after(() => upstream.close())
  const upstreams = ['one', 'two'].map((name) => ({ name, url: upstream.url }))
  const plenty = { permits: 1_000_000, perSeconds: 1, burst: 1_000_000 }
  const gateway = await startTestGateway({
    upstreams,
    config: { traffic: { rate: { perAddress: plenty, perPrincipal: plenty }, ...traffic(folder) }, ...more },
  })
  t.after(() => gateway.close())
  return { upstream, gateway, folder }
}

const codeOf = ({ status, json }: Reply) => [status, json?.error?.data?.code]
const admin = (gateway: TestGateway, path: string, body: object = {}, method = 'POST') =>
  send(gateway, method === 'GET' ? undefined : body, { method, url: `${gateway.origin}/admin/v1${path}` })

const until = async (holds: () => Promise<boolean> | boolean): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

describe('lists of the configuration', () => {
  it('refuse places before anything else, by network and by country, and say nothing of why', async (t) => {
    const places = [
      { lists: { blocked: [{ kind: 'address', value: '127.0.0.0/8', reason: 'a secret reason' }] } },
      { lists: { allowed: [{ kind: 'address', value: '192.0.2.0/24' }] } },
    ]
    for (const traffic of places) {
      const { gateway, upstream } = await site(t, () => traffic)
      const reply = await callTool(gateway, 'echo', {}, { token: 'nobody' })
      assert.deepEqual(codeOf(reply), [403, 'traffic.address_blocked'])
      assert.doesNotMatch(reply.text, /secret/)
      assert.equal(upstream.count(), 0)
    }
    const { gateway, upstream } = await site(t, (folder) => {
      writeFileSync(join(folder, 'countries.csv'), 'network,country\n127.0.0.0/8,nl\n')
      return { lists: { countries: join(folder, 'countries.csv'), blocked: [{ kind: 'country', value: 'NL' }] } }
    })
    assert.deepEqual(codeOf(await callTool(gateway, 'echo', {})), [403, 'traffic.address_blocked'])
    assert.equal(upstream.count(), 0)
    const { detail } = recordsOf(gateway).find(({ kind }) => kind === 'refusal') as { detail?: Record<string, unknown> }
    assert.deepEqual([detail?.['kind'], detail?.['value']], ['country', 'NL'])
  })

  it('refuse principals and keys when it is known who calls, and upstreams and tools when it is known what for', async (t) => {
    const targets = {
      blocked: [
        { kind: 'upstream', value: 'two' },
        { kind: 'tool', value: 'one__other' },
      ],
    }
    const { gateway, upstream } = await site(t, () => ({ lists: targets }))
    const before = upstream.count()
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    assert.deepEqual(codeOf(await callTool(gateway, 'other', {})), [403, 'traffic.target_blocked'])
    const aggregate = { url: `${gateway.origin}/mcp` }
    assert.deepEqual(codeOf(await callTool(gateway, 'one__other', {}, aggregate)), [403, 'traffic.target_blocked'])
    assert.deepEqual(codeOf(await callTool(gateway, 'two__echo', {}, aggregate)), [403, 'traffic.target_blocked'])
    assert.deepEqual(codeOf(await ask(gateway, 'tools/list', {}, { url: gateway.endpoint('two') })), [
      403,
      'traffic.target_blocked',
    ])
    assert.equal(upstream.count(), before + 1)
    const stranger = await gateway.issue(['user'])
    const hidden = await callTool(gateway, 'other', {}, { token: stranger })
    const missing = await callTool(gateway, 'none', {}, { token: stranger })
    assert.deepEqual(codeOf(hidden), codeOf(missing), 'a block tells nobody what there is')
  })

  it('serve only whom an allow list names', async (t) => {
    const { gateway, upstream } = await site(t, () => ({
      lists: { allowed: [{ kind: 'principal', value: 'user:nobody' }] },
    }))
    assert.deepEqual(codeOf(await callTool(gateway, 'echo', {})), [403, 'traffic.caller_blocked'])
    assert.deepEqual(codeOf(await admin(gateway, '/keys', {}, 'GET')), [403, 'traffic.caller_blocked'])
    assert.equal(upstream.count(), 0)
  })
})

describe('files of lists', () => {
  it('are followed: a newer state holds as a whole and ends what it refuses, a broken one changes nothing and is told', async (t) => {
    const { gateway, upstream, folder } = await site(t, (at) => {
      writeFileSync(join(at, 'list.txt'), '# nobody yet\n192.0.2.1\n')
      return { lists: { files: [{ file: join(at, 'list.txt') }] } }
    })
    const list = join(folder, 'list.txt')
    const replace = (text: string) => {
      writeFileSync(`${list}.new`, text)
      renameSync(`${list}.new`, list)
    }
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    const open = await stream(
      gateway,
      modern('subscriptions/listen', { notifications: { toolsListChanged: true } }).body,
      {
        headers: modern('subscriptions/listen').headers,
      },
    )
    assert.equal(open.status, 200)
    replace('192.0.2.1\nbroken line\n127.0.0.0/8\n')
    await until(() => gateway.logged.some((line) => line.includes('a list cannot be read') && line.includes('line 2')))
    assert.equal((await callTool(gateway, 'echo', {})).status, 200)
    replace('127.0.0.0/8 # enough\n')
    await open.ended
    assert.deepEqual(codeOf(await callTool(gateway, 'echo', {})), [403, 'traffic.address_blocked'])
    assert.equal(upstream.count(), 2)
    replace('192.0.2.1\n')
    await until(async () => (await callTool(gateway, 'echo', {})).status === 200)
  })

  it('of who is served let nobody in when they are cut off: the entries from before hold', async (t) => {
    const { gateway, upstream, folder } = await site(t, (at) => {
      writeFileSync(join(at, 'allowed'), '192.0.2.1\n')
      return { lists: { files: [{ file: join(at, 'allowed'), effect: 'allow' }] } }
    })
    writeFileSync(join(folder, 'allowed'), '')
    await until(() => gateway.logged.some((line) => line.includes('a list cannot be read')))
    assert.deepEqual(codeOf(await callTool(gateway, 'echo', {})), [403, 'traffic.address_blocked'])
    assert.equal(upstream.count(), 0)
  })

  it('that are broken, missing or mean nothing keep the gateway from starting, and the line is told', async (t) => {
    const broken = (text: string, rules: object = {}) =>
      site(t, (folder) => {
        writeFileSync(join(folder, 'list'), text)
        return { lists: { files: [{ file: join(folder, 'list'), ...rules }] } }
      })
    await assert.rejects(broken('192.0.2.1\nnonsense\n'), /line 2 is not an address/)
    await assert.rejects(broken('x,y\n', { format: 'csv' }), /line 1/)
    await assert.rejects(broken('NL\n', { kind: 'country' }), /countries/)
    await assert.rejects(broken('# nobody\n', { effect: 'allow' }), /an allow list without an entry/)
    const missing = () => ({ lists: { files: [{ file: '/nowhere/list' }] } })
    await assert.rejects(site(t, missing), /does not exist/)
    for (const entry of [
      { kind: 'address', value: '10.0.0.0/40' },
      { kind: 'address', value: '10.0.0.0/8', tenant: 'a' },
      { kind: 'country', value: 'NL' },
      { kind: 'upstream', value: 'three' },
      { kind: 'tool', value: 'three__x' },
    ])
      await assert.rejects(
        site(t, () => ({ lists: { blocked: [entry] } })),
        /traffic\.lists\.blocked/,
      )
  })
})

describe('blocks that administrators make', () => {
  it('end the call, the session and its stream of a key, a principal and a target at once; taken back, they let in again', async (t) => {
    const { gateway, upstream } = await site(t)
    const hanging: ServerResponse[] = []
    upstream.misbehave(({ message }, response) => {
      const hangs = message?.params?.arguments?.text === 'hang'
      if (hangs) hanging.push(response)
      return hangs
    })
    for (const kind of ['key', 'principal', 'upstream', 'tool'] as const) {
      const token = await gateway.issue(['admin'])
      const record = await gateway.recordOf(token)
      const values = { key: record?.id, principal: record?.principal, upstream: 'one', tool: 'one__echo' }
      const value = values[kind] as string
      const session = await openSession(gateway, { token })
      const open = await stream(gateway, undefined, {
        method: 'GET',
        token,
        headers: { ...session, accept: 'text/event-stream' },
      })
      assert.equal(open.status, 200)
      const running = callTool(gateway, 'echo', { text: 'hang' }, { token })
      await until(() => hanging.length > 0)
      const atUpstream = new Promise<void>((resolve) => (hanging.splice(0)[0] as ServerResponse).once('close', resolve))
      const added = await admin(gateway, '/blocks', { kind, value, reason: 'suspicious' })
      assert.equal(added.status, 201, added.text)
      await atUpstream
      assert.equal((await running).json.result, undefined, `${kind}: the call has no result`)
      if (kind !== 'tool') await open.ended
      const calls = upstream.count()
      const code = kind === 'key' || kind === 'principal' ? 'traffic.caller_blocked' : 'traffic.target_blocked'
      assert.deepEqual(codeOf(await callTool(gateway, 'echo', {}, { token })), [403, code])
      assert.equal(upstream.count(), calls)
      const listed = (await admin(gateway, '/blocks', {}, 'GET')).json.blocks as { kind: string; reason: string }[]
      assert.deepEqual(
        listed.map((one) => [one.kind, one.reason]),
        [[kind, 'suspicious']],
      )
      assert.equal((await admin(gateway, '/blocks/remove', { kind, value })).status, 200)
      assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
      open.close()
    }
    const changes = recordsOf(gateway).filter((record) => record.kind === 'change' && record.what.startsWith('block.'))
    assert.equal(changes.length, 8)
  })

  it('are made, listed and taken back by commands', async (t) => {
    const { gateway } = await site(t)
    const said: string[] = []
    const block = (...args: readonly string[]) =>
      runCommand(['block', ...args, '--config', join(gateway.stateFolder, '..', 'portcullis.yaml')], {
        ...{ out: (line) => said.push(line), err: (line) => said.push(line), environment: {} },
        ...{ clock: { now: () => Date.now() }, interrupted: new AbortController().signal },
      })
    const token = await gateway.issue(['admin'])
    const id = (await gateway.recordOf(token))?.id as string
    assert.equal(await block('add', 'key', id, '--reason', 'lost', '--for', '2h'), 0, said.join('\n'))
    assert.deepEqual(codeOf(await callTool(gateway, 'echo', {}, { token })), [403, 'traffic.caller_blocked'])
    assert.equal(await block('add', 'address', '203.0.113.0/24'), 0)
    assert.equal(await block('list'), 0)
    assert.match(said.join('\n'), /address +203\.0\.113\.0\/24 +everybody .*for ever/)
    assert.equal(await block('remove', 'key', id), 0)
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 200)
    assert.notEqual(await block('remove', 'key', id), 0)
    assert.notEqual(await block('add', 'planet', 'x'), 0)
  })

  it('end by themselves', async (t) => {
    const { gateway } = await site(t)
    const token = await gateway.issue(['admin'])
    const value = (await gateway.recordOf(token))?.id as string
    assert.equal((await admin(gateway, '/blocks', { kind: 'key', value, forSeconds: 1 })).status, 201)
    assert.equal((await callTool(gateway, 'echo', {}, { token })).status, 403)
    await until(async () => (await callTool(gateway, 'echo', {}, { token })).status === 200)
  })

  it('are refused where they would shut out who makes them, or could never match', async (t) => {
    const { gateway } = await site(t)
    const own = (await gateway.recordOf(gateway.token))?.id as string
    const refused = [
      [{ kind: 'key', value: own }, 409],
      [{ kind: 'principal', value: `key:${own}` }, 409],
      [{ kind: 'address', value: '127.0.0.0/8' }, 409],
      [{ kind: 'address', value: '::/0' }, 409],
      [{ kind: 'address', value: '10.0.0.0/99' }, 400],
      [{ kind: 'country', value: 'NL' }, 400],
      [{ kind: 'upstream', value: 'three' }, 400],
      [{ kind: 'people', value: 'x' }, 400],
    ] as const
    for (const [body, status] of refused)
      assert.equal((await admin(gateway, '/blocks', body)).status, status, JSON.stringify(body))
    assert.deepEqual((await admin(gateway, '/blocks', {}, 'GET')).json.blocks, [])
    assert.equal((await admin(gateway, '/blocks/remove', { kind: 'key', value: 'x' })).status, 404)
  })

  it('of one tenant concern it alone, and only those who look after all may block for all', async (t) => {
    const tenants = { a: { upstreams: ['one'] }, b: { upstreams: ['one'] } }
    const { gateway } = await site(t, undefined, { tenants, administration: { tenant: 'a' } })
    const [overseer, ofA, ofB] = await Promise.all(
      ['a', 'a', 'b'].map((tenant) => gateway.issue(['admin'], { tenant })),
    )
    const as = (token: string | undefined, body: object) =>
      send(gateway, body, { url: `${gateway.origin}/admin/v1/blocks`, token: token as string })
    const calls = async () =>
      [
        await callTool(gateway, 'echo', {}, { token: ofA as string }),
        await callTool(gateway, 'echo', {}, { token: ofB as string }),
      ].map(({ status }) => status)
    assert.equal((await as(ofB, { kind: 'address', value: '192.0.2.1' })).status, 403)
    assert.equal((await as(ofB, { kind: 'tool', value: 'one__echo', everywhere: true })).status, 403)
    assert.equal((await as(ofB, { kind: 'tool', value: 'one__echo' })).status, 201)
    assert.deepEqual(await calls(), [200, 403])
    assert.equal((await as(overseer, { kind: 'tool', value: 'one__echo', everywhere: true })).status, 201)
    assert.deepEqual(await calls(), [403, 403])
  })
})
