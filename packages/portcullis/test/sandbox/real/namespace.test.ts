/** Network namespaces on a real kernel: what is in them, and that nothing of them stays. */
import assert from 'node:assert/strict'
import { readdirSync, readlinkSync } from 'node:fs'
import { it } from 'node:test'
import { findTool } from '../../../src/sandbox/child.ts'
import { probeNetwork } from '../../../src/sandbox/network/ability.ts'
import { makeNamespace } from '../../../src/sandbox/network/namespace.ts'
import { isRoot, processesWith, until } from './fixture.ts'

const tool = (name: string) => findTool(name) ?? assert.fail(`${name} is missing`)
const TOOLS = { bwrap: tool('bwrap'), sh: tool('sh'), node: process.execPath, nsenter: tool('nsenter'), ip: tool('ip') }
const EXPLICIT = { proxyPort: 3128, transparentPorts: undefined }
const TRANSPARENT = { proxyPort: 3128, transparentPorts: [80, 443] }
const OPENER = 'const { createServer } = require'

const descriptors = () => readdirSync('/proc/self/fd').length

it('is another namespace than the host, with listeners and no process', async () => {
  const namespace = await makeNamespace(TRANSPARENT, TOOLS, isRoot)
  assert.notEqual(readlinkSync(namespace.paths.network), readlinkSync('/proc/self/ns/net'))
  assert.deepEqual(
    [namespace.proxy, ...namespace.transparent].map((server) => server.address()),
    [
      { address: '127.0.0.1', family: 'IPv4', port: 3128 },
      { address: '0.0.0.0', family: 'IPv4', port: 80 },
      { address: '0.0.0.0', family: 'IPv4', port: 443 },
    ],
  )
  assert.equal(namespace.names?.address().port, 53)
  await until(() => processesWith(OPENER).length === 0)
  namespace.close()
})

it('leaves no descriptor and no process when it is closed', async () => {
  await makeNamespace(EXPLICIT, TOOLS, isRoot).then((namespace) => namespace.close())
  await until(() => processesWith(OPENER).length === 0)
  const atFirst = descriptors()
  for (let round = 0; round < 5; round++) {
    const namespace = await makeNamespace(TRANSPARENT, TOOLS, isRoot)
    namespace.close()
    namespace.close()
  }
  await until(() => processesWith(OPENER).length === 0 && descriptors() <= atFirst)
})

const BROKEN = [
  { title: 'ip that fails', tools: { ip: '/bin/false' }, reason: /status 1/ },
  { title: 'ip that is not there', tools: { ip: '/nowhere/ip' }, reason: /ip/ },
  { title: 'a bwrap that fails', tools: { bwrap: '/bin/false' }, reason: /status 1/ },
  { title: 'a bwrap that is not there', tools: { bwrap: '/nowhere/bwrap' }, reason: /ENOENT/ },
  { title: 'a bwrap that says nothing and ends well', tools: { bwrap: '/bin/true' }, reason: /status 0/ },
]

for (const { title, tools, reason } of BROKEN) {
  it(`${title} is a fault with its words, and nothing is left`, async () => {
    const atFirst = descriptors()
    await assert.rejects(makeNamespace(TRANSPARENT, { ...TOOLS, ...tools }, isRoot), (problem: unknown) => {
      const { code, detail } = problem as { readonly code: string; readonly detail: { readonly reason: string } }
      assert.match(detail.reason, reason)
      return code === 'sandbox.start_failed'
    })
    await until(() => processesWith(OPENER).length === 0 && descriptors() <= atFirst)
  })
}

it('a port that is taken is a fault, and nothing is left', async () => {
  const atFirst = descriptors()
  const shape = { proxyPort: 3128, transparentPorts: [443, 443] }
  await assert.rejects(makeNamespace(shape, TOOLS, isRoot), { code: 'sandbox.start_failed' })
  await until(() => processesWith(OPENER).length === 0 && descriptors() <= atFirst)
})

it('says which kinds of network the host can hold, and what is missing', async () => {
  const both = { modes: ['explicit', 'transparent'], reason: undefined }
  assert.deepEqual(await probeNetwork(TOOLS, isRoot), both)
  const without = async (changes: object) => probeNetwork({ ...TOOLS, ...changes }, isRoot)
  assert.deepEqual(await without({ nsenter: undefined }), { modes: [], reason: 'nsenter was not found' })
  assert.deepEqual(await without({ ip: undefined }), { modes: ['explicit'], reason: 'ip was not found' })
  assert.deepEqual((await without({ ip: '/bin/false' })).modes, ['explicit'])
  assert.deepEqual((await without({ bwrap: '/bin/false' })).modes, [])
})
