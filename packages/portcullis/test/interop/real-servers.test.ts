/** MCP servers as people run them, unchanged, each in the sandbox behind a gateway and called by the official client. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { upstreamIdentity } from '../../src/sandbox/identity.ts'
import { startTestGateway, type TestGateway, type TestUpstream } from '../fixtures/gateway.ts'
import { readOutcome } from './peer.ts'
import { trustingFetch } from './trusting-fetch.ts'

const MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))
const PYTHON = '/usr/bin/python3'
const NOTES = fileURLToPath(new URL('../fixtures/notes-server.py', import.meta.url))
const NPX = realpathSync(execFileSync('sh', ['-c', 'command -v npx'], { encoding: 'utf8' }).trim())

/** Where this host installs from, which its own npm is asked. */
const REGISTRY = new URL(
  execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(),
)
const RULE = { host: REGISTRY.hostname, ports: [Number(REGISTRY.port || (REGISTRY.protocol === 'http:' ? 80 : 443))] }
/** A package that every registry has, and that is small. */
const DOCUMENT = new URL('ms/latest', REGISTRY).href
const ELSEWHERE = 'https://example.com/'

/** An authority of this host's own, without which nothing here reaches the registry. */
const AUTHORITY = process.env['NODE_EXTRA_CA_CERTS']
const TRUST: Readonly<Record<string, string>> =
  AUTHORITY === undefined
    ? {}
    : { NODE_EXTRA_CA_CERTS: AUTHORITY, npm_config_cafile: AUTHORITY, SSL_CERT_FILE: AUTHORITY }
const TRUSTED = AUTHORITY === undefined ? [] : [AUTHORITY]

/** What is asked of a server. The client has no roots, which server-filesystem would take for its folders. */
type Caller = ReturnType<typeof callerOf>

interface RealServer {
  readonly name: string
  readonly title: string
  readonly command: readonly [string, ...string[]]
  readonly sandbox: object
  readonly env?: Readonly<Record<string, string>>
  prove(peer: Caller, own: string): Promise<void>
}

const script = (name: string) => join(MODULES, '@modelcontextprotocol', name, 'dist', 'index.js')

/** `own` is the folder of each server, which it may write. */
function realServers(own: (name: string) => string): readonly RealServer[] {
  return [
    {
      name: 'everything',
      title: 'server-everything',
      command: [process.execPath, script('server-everything'), 'stdio'],
      sandbox: { read: [MODULES] },
      async prove(peer) {
        assert.ok((await peer.toolNames()).includes('echo'))
        assert.equal((await peer.call('echo', { message: 'through the walls' })).text, 'Echo: through the walls')
        assert.match((await peer.call('get-sum', { a: 19, b: 23 })).text, /42/)
        const environment = (await peer.call('get-env', {})).text
        assert.ok(!environment.includes('PORTCULLIS_TEST_SECRET'), 'it prints the whole of its environment')
        assert.ok((await peer.call('gzip-file-as-resource', { data: DOCUMENT })).isError, 'it has no network')
      },
    },
    {
      name: 'filesystem',
      title: 'server-filesystem',
      command: [process.execPath, script('server-filesystem'), own('filesystem'), '/etc', '/usr/share'],
      sandbox: { read: [MODULES], write: [own('filesystem')] },
      async prove(peer, folder) {
        const path = join(folder, 'note.txt')
        assert.equal((await peer.call('write_file', { path, content: 'written inside' })).isError, false)
        assert.equal(readFileSync(path, 'utf8'), 'written inside')
        assert.match((await peer.call('read_text_file', { path })).text, /written inside/)
        assert.match((await peer.call('list_directory', { path: folder })).text, /note\.txt/)
        assert.ok((await peer.call('read_text_file', { path: '/etc/shadow' })).isError)
        assert.ok((await peer.call('write_file', { path: '/etc/own', content: 'x' })).isError)
        assert.ok(!existsSync('/etc/own'))
      },
    },
    {
      name: 'memory',
      title: 'server-memory',
      command: [process.execPath, script('server-memory')],
      sandbox: { read: [MODULES], write: [own('memory')] },
      env: { MEMORY_FILE_PATH: join(own('memory'), 'graph.jsonl') },
      async prove(peer, folder) {
        const entities = [{ name: 'Keep', entityType: 'building', observations: ['has walls'] }]
        assert.equal((await peer.call('create_entities', { entities })).isError, false)
        assert.match((await peer.call('search_nodes', { query: 'walls' })).text, /Keep/)
        assert.match(readFileSync(join(folder, 'graph.jsonl'), 'utf8'), /has walls/)
      },
    },
    {
      name: 'networked',
      title: 'server-everything with one host of the network',
      command: [process.execPath, script('server-everything'), 'stdio'],
      sandbox: { read: [MODULES, ...TRUSTED], network: { allow: [RULE] } },
      env: TRUST,
      async prove(peer) {
        const fetched = await peer.call('gzip-file-as-resource', { data: DOCUMENT, outputType: 'resource' })
        assert.equal(fetched.isError, false, fetched.text)
        assert.deepEqual(fetched.blocks, ['resource'])
        assert.ok((await peer.call('gzip-file-as-resource', { data: ELSEWHERE })).isError)
      },
    },
    {
      name: 'installed',
      title: 'a server that npx installs inside, and that needs the network',
      command: [process.execPath, NPX, '-y', '@tokenizin/mcp-npx-fetch@1.0.0'],
      sandbox: {
        read: [dirname(dirname(NPX)), ...TRUSTED],
        network: { allow: [RULE] },
        ...{ memoryMiB: 2048, tmpMiB: 512, processes: 128 },
      },
      env: {
        ...TRUST,
        npm_config_registry: REGISTRY.href,
        npm_config_cache: '/tmp/npm',
        npm_config_ignore_scripts: 'true',
        npm_config_update_notifier: 'false',
        npm_config_fund: 'false',
        npm_config_audit: 'false',
      },
      async prove(peer) {
        assert.ok((await peer.toolNames()).includes('fetch_json'))
        assert.match((await peer.call('fetch_json', { url: DOCUMENT })).text, /"ms"/)
        const refused = await peer.call('fetch_txt', { url: ELSEWHERE })
        assert.ok(refused.isError || !refused.text.includes('Example Domain'), refused.text)
      },
    },
    {
      name: 'python',
      title: 'a server in Python',
      command: [PYTHON, NOTES, own('python')],
      sandbox: { read: [NOTES, ...TRUSTED], write: [own('python')], network: { allow: [RULE] } },
      env: TRUST,
      async prove(peer, folder) {
        assert.deepEqual(await peer.toolNames(), ['add', 'read', 'visit'])
        assert.equal((await peer.call('add', { name: 'one', text: 'noted' })).text, 'wrote 5')
        assert.equal(readFileSync(join(folder, 'one'), 'utf8'), 'noted')
        assert.match((await peer.call('read', { name: '/etc/shadow' })).text, /^refused: .*No such file/)
        assert.match((await peer.call('add', { name: '/usr/own', text: 'x' })).text, /^refused: /)
        assert.equal((await peer.call('visit', { url: DOCUMENT })).text, '200')
        assert.match((await peer.call('visit', { url: ELSEWHERE })).text, /^refused: /)
      },
    },
  ]
}

describe('real servers in the sandbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-real-'))
  const servers = realServers((name) => join(folder, name))
  let gateway: TestGateway

  before(async () => {
    for (const [slot, { name }] of servers.entries()) {
      mkdirSync(join(folder, name), { recursive: true })
      const { uid, gid } = upstreamIdentity(slot)
      if (process.getuid?.() === 0) chownSync(join(folder, name), uid, gid)
    }
    writeFileSync(join(folder, 'key'), 'PRIVATE')
    gateway = await startTestGateway({
      upstreams: servers.map(upstreamOf),
      config: { limits: { callSeconds: 120 } },
      environment: { PORTCULLIS_TEST_SECRET: 'in the environment of the gateway' },
    })
  })
  after(async () => {
    await gateway.close()
    rmSync(folder, { recursive: true })
  })

  for (const { name, title, prove } of servers) {
    it(`${title} does its work, and no more`, async () => {
      const trusting = trustingFetch(gateway)
      const client = new Client({ name: 'real', version: '1' }, { versionNegotiation: { mode: 'auto' } })
      const requestInit = { headers: { Authorization: `Bearer ${gateway.token}` } }
      try {
        const place = new URL(gateway.endpoint(name))
        await client.connect(new StreamableHTTPClientTransport(place, { fetch: trusting.fetch, requestInit }))
        await prove(callerOf(client), join(folder, name))
      } finally {
        await client.close()
        await trusting.close()
      }
    })
  }
})

function upstreamOf({ name, command, sandbox, env }: RealServer): TestUpstream {
  const walls = { memoryMiB: 1024, ...sandbox }
  return { name, command, stdio: { sandbox: walls, env: env ?? {}, deadlines: { startSeconds: 120 } } }
}

function callerOf(client: Client) {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name: string, args: Readonly<Record<string, unknown>>) =>
      readOutcome(await client.callTool({ name, arguments: args })),
  }
}
