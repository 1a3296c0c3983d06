/** HTTP input that spawns a command: no request, whatever it says, starts anything but the configured program. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CountingUpstream, ECHO, startCounting } from '../fixtures/counting-upstream.ts'
import { ask, callTool, openSession, send } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

let upstream: CountingUpstream
let gateway: TestGateway
let folder: string
let canary: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-spawn-'))
  canary = join(folder, 'spawned')
  upstream = await startCounting([{ ...ECHO, inputSchema: { type: 'object', additionalProperties: true } }])
  gateway = await startTestGateway({ upstreams: [{ name: 'one', url: upstream.url }] })
})
after(async () => {
  await gateway.close()
  await upstream.close()
  rmSync(folder, { recursive: true })
})

const INPUTS = () => {
  const line = `touch ${canary}`
  return [
    `; ${line}`,
    `$(${line})`,
    `\`${line}\``,
    `| ${line}`,
    `&& ${line}`,
    `\n${line}\n`,
    `--require=${canary}`,
    line,
  ]
}

/** Processes that this one has started. */
function children(): readonly string[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter((pid) => pid !== ''),
  )
}

test('commands in arguments, names, headers, queries and bodies start nothing', async () => {
  const earlier = children()
  for (const input of INPUTS()) {
    const header = encodeURIComponent(input)
    await callTool(gateway, 'echo', {
      command: input,
      args: [input],
      stdio: { command: '/bin/sh', args: ['-c', input] },
    })
    await ask(gateway, 'tools/call', { name: 'echo', arguments: {}, command: '/bin/sh', args: ['-c', input] })
    await ask(gateway, 'resources/read', { uri: `file:///${header}` })
    await ask(gateway, 'prompts/get', { name: header })
    await send(gateway, { jsonrpc: '2.0', id: 1, method: header }, { headers: { 'x-command': header } })
    const transport = `transportType=stdio&command=${header}&args=${header}&env=${header}`
    for (const path of ['/sse', '/stdio', '/mcp', '/mcp/one', '/mcp/new']) {
      await send(gateway, { command: '/bin/sh', args: ['-c', input] }, { url: `${gateway.origin}${path}?${transport}` })
    }
    await openSession(gateway, {}, { experimental: { stdio: { command: '/bin/sh', args: ['-c', input] } } })
  }
  assert.deepEqual(children(), earlier)
  assert.ok(!existsSync(canary))
})

test('no request adds an upstream', async () => {
  const spelled = { upstreams: { new: { stdio: { command: '/bin/sh', args: ['-c', `touch ${canary}`] } } } }
  for (const method of ['POST', 'PUT', 'PATCH']) {
    for (const path of ['/mcp/new', '/mcp', '/config', '/upstreams', '/api/upstreams']) {
      const reply = await send(gateway, spelled, { method, url: gateway.origin + path })
      assert.ok(reply.status >= 400, `${method} ${path}`)
    }
  }
  assert.equal((await callTool(gateway, 'echo', {}, { url: gateway.endpoint('new') })).status, 404)
  assert.ok(!existsSync(canary))
})
