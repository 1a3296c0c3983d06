/** SB-2, SB-3, SB-5: each limit of `sandbox` and `network` holds for a program and for a snippet, and is another one without its key. */
import assert from 'node:assert/strict'
import { promises as dns } from 'node:dns'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, mock, test } from 'node:test'
import { callTool } from '../fixtures/client.ts'
import { startTestGateway, type TestGateway } from '../fixtures/gateway.ts'

/** What the gateway puts in, and no program has. */
const CREDENTIAL = 'of-the-gateway'
const isRoot = process.getuid?.() === 0
/** Node starts with so little only where the limit is that of what is used. */
const MEMORY_MIB = isRoot ? 256 : 800

/** A server whose one tool runs a command line. */
const RUNNER = `
const { spawnSync } = require('node:child_process')
const base = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
const answers = {
  'server/discover': { supportedVersions: ['2026-07-28'], capabilities: { tools: {} } },
  'tools/list': { tools: [{ name: 'run_shell', inputSchema: { type: 'object', properties: { code: { type: 'string' } } } }] },
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (id === undefined) return
  const reply = (result) => console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { ...base, ...result } }))
  if (answers[method]) return reply(answers[method])
  const { code } = params.arguments
  const done = spawnSync('sh', ['-c', code], { encoding: 'utf8', maxBuffer: 1e8 })
  reply({ content: [{ type: 'text', text: done.stdout }] })
})`

const python = (program: string): string => `python3 -c '${program}'`

/** Prints how many of so many tries went well. */
const counted = (tries: number, attempt: string): string =>
  `i=0; while [ $i -lt ${tries} ]; do ${attempt} || break; i=$((i+1)); done 2>/dev/null; echo $i`

interface Row {
  /** Below \`sandbox\`. */
  readonly key: string
  readonly command: string
  readonly boxed: RegExp
  readonly otherwise: RegExp
  /** Not for snippets, of which nothing is kept. */
  readonly isForPrograms?: true
  /** Which one has it. */
  readonly by?: 'explicit' | 'bare' | 'full' | 'large' | 'terse'
  /** What the other one has: nothing but the defaults, or the same access to the network without limits of its own. */
  readonly other?: 'plain' | 'wide'
}

let folder: string
let host: Server
let gateway: TestGateway
let port = 0

/** By a program that knows no proxy: so many connections at once, of which each says what it got. */
const fetching = (path: string, more = ''): string =>
  python(
    `import urllib.request as u\ntry:\n r=u.urlopen(u.Request("http://api.example:${port}${path}"${more}),timeout=4)\n print("got",len(r.read()))\nexcept Exception as e:\n print("not",e)`,
  )

const rows = (): readonly Row[] => [
  { key: 'read', command: `cat ${folder}/library/book`, boxed: /^a book/, otherwise: /^$/ },
  { key: 'write', command: `echo x > ${folder}/shelf/new-$$ && echo wrote`, boxed: /^wrote/, otherwise: /^$/ },
  {
    key: 'volumes[].at',
    isForPrograms: true,
    command: 'echo x > /data/new && echo wrote',
    boxed: /^wrote/,
    otherwise: /^$/,
  },
  {
    key: 'volumes[].sizeMiB',
    isForPrograms: true,
    command: 'head -c 12000000 /dev/zero > /data/big 2>/dev/null && echo wrote; rm -f /data/big',
    boxed: /^$/,
    otherwise: /^$/,
  },
  {
    key: 'volumes[].files',
    isForPrograms: true,
    command: counted(200, 'true > /data/f$i'),
    boxed: /^(?!200)\d+/,
    otherwise: /^0/,
  },
  {
    key: 'memoryMiB',
    command: python(`x=bytearray(${MEMORY_MIB + 100}<<20);print("took")`),
    boxed: /^$/,
    otherwise: /^took/,
  },
  {
    key: 'processes',
    command: 'n=0; for i in $(seq 45); do (sleep 1) & n=$((n+1)); done 2>/dev/null; echo $n',
    boxed: /^(?!45)\d*/,
    otherwise: /^45/,
  },
  { key: 'openFiles', command: 'ulimit -n', boxed: /^128$/m, otherwise: /^1024$/m },
  { key: 'fileMiB', command: 'head -c 3000000 /dev/zero > /tmp/big && echo wrote', boxed: /^$/, otherwise: /^wrote/ },
  {
    key: 'tmpMiB',
    command: counted(9, 'head -c 1900000 /dev/zero > /tmp/part$i'),
    boxed: /^[1-8]$/m,
    otherwise: /^9$/m,
  },
  { key: 'tmpFiles', command: counted(300, 'true > /tmp/f$i'), boxed: /^(?!300)\d+/, otherwise: /^300/ },
  { key: 'network.allow[].host', command: fetching('/'), boxed: /^got 5/, otherwise: /^not/ },
  {
    key: 'network.allow[].methods',
    command: fetching('/', ',data=b"x"'),
    boxed: /^not/,
    otherwise: /^got 5/,
    other: 'wide',
  },
  {
    key: 'network.connections',
    command: python(
      `import socket\nn=0\nkept=[]\nfor i in range(6):\n try:\n  s=socket.create_connection(("api.example",${port}),3)\n  s.settimeout(3)\n  s.sendall(b"GET / HTTP/1.1\\r\\nhost: api.example:${port}\\r\\n\\r\\n")\n  n+=len(s.recv(9))>0\n  kept.append(s)\n except Exception:\n  pass\nprint(n)`,
    ),
    boxed: /^[1-3]$/m,
    otherwise: /^6$/m,
    other: 'wide',
  },
  {
    key: 'network.idleSeconds',
    command: python(
      `import socket,time\ns=socket.create_connection(("api.example",${port}),3)\ns.settimeout(3)\nask=b"GET / HTTP/1.1\\r\\nhost: api.example:${port}\\r\\n\\r\\n"\ns.sendall(ask)\ns.recv(999)\ntime.sleep(2.2)\ntry:\n s.sendall(ask)\n print("got",len(s.recv(999))>0)\nexcept Exception as e:\n print("not",e)`,
    ),
    boxed: /^(?:not|got False)/,
    otherwise: /^got True/,
    other: 'wide',
  },
  {
    key: 'network.mode',
    command: python(
      `import socket\ntry:\n socket.create_connection(("api.example",${port}),3)\n print("got")\nexcept Exception as e:\n print("not",e)`,
    ),
    by: 'explicit',
    boxed: /^not/,
    otherwise: /^got/,
    other: 'wide',
  },
  {
    key: 'network.allow[].credential',
    command: fetching('/key'),
    boxed: new RegExp(`^got ${CREDENTIAL.length}$`, 'm'),
    otherwise: /^got 4$/m,
    other: 'wide',
  },
  { key: 'driver', command: `ls ${folder}`, by: 'bare', boxed: /library/, otherwise: /^$/ },
  {
    key: 'diskFiles',
    // Who passes the limit is ended a moment later.
    command: `cd ${folder}/shelf 2>/dev/null || cd ${folder}/broad; ${counted(300, 'true > f$i')}; sleep 1; echo all`,
    by: 'full',
    boxed: /^(?!.*all)/s,
    otherwise: /all/,
    other: 'wide',
  },
  {
    key: 'diskMiB',
    command: `cd ${folder}/shelf 2>/dev/null || cd ${folder}/broad; for i in 1 2 3; do head -c 3000000 /dev/zero > big$i; done; sleep 1; echo all`,
    by: 'large',
    boxed: /^(?!.*all)/s,
    otherwise: /all/,
    other: 'wide',
  },
  {
    key: 'totalOutputMiB',
    isForPrograms: true,
    command: 'head -c 2000000 /dev/zero | tr "\\0" x; echo; echo all',
    by: 'terse',
    boxed: /^(?!.*all)/s,
    otherwise: /all/,
  },
  // The last one: what it takes is taken from the program for good.
  { key: 'network.maxMiB', command: fetching('/large'), boxed: /^(?!got)/, otherwise: /^got 3000000/, other: 'wide' },
]

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portcullis-configured-'))
  const places = ['library', 'shelf', 'broad'].map((name) => join(folder, name))
  for (const place of places) mkdirSync(place)
  for (const place of places.slice(1)) chmodSync(place, 0o777)
  writeFileSync(join(folder, 'library', 'book'), 'a book')
  // Names of the tests lead to this machine, whatever the resolver of the host knows.
  mock.method(dns, 'lookup', async () => [{ address: '127.0.0.1', family: 4 }])
  host = createServer((request, response) => {
    if (request.url === '/key') return void response.end(String(request.headers['x-key'] ?? 'none'))
    response.end(request.url === '/large' ? Buffer.alloc(3_000_000) : 'hello')
  })
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  port = (host.address() as AddressInfo).port
  const allowed = { host: 'api.example', ports: [port], private: 'allowed' }
  const volumes = [{ name: 'data', at: '/data', sizeMiB: 8, files: 100 }]
  const boxed = {
    ...{ read: [join(folder, 'library')], write: [join(folder, 'shelf')] },
    ...{ memoryMiB: MEMORY_MIB, cpus: 1, processes: 40, openFiles: 128, fileMiB: 2, tmpMiB: 8, tmpFiles: 200 },
    network: {
      ...{ maxMiB: 1, connections: 3, idleSeconds: 1 },
      allow: [{ ...allowed, methods: ['GET'], credential: { header: 'x-key', value: { env: 'SANDBOX_KEY' } } }],
    },
  }
  const wide = { network: { allow: [allowed] }, write: [join(folder, 'broad')] }
  const explicit = { network: { mode: 'explicit', allow: [allowed] } }
  const write = [join(folder, 'shelf')]
  const sandboxes = {
    ...{ boxed, wide, explicit, plain: {}, bare: { driver: 'none' } },
    ...{ full: { write, diskFiles: 100 }, large: { write, diskMiB: 4 } },
  }
  const upstreams = Object.entries(sandboxes).flatMap(([name, sandbox]) => [
    [`code-${name}`, { code: { languages: ['shell'], sandbox, timeoutSeconds: 20, outputKiB: 4_096 } }] as const,
    [
      `stdio-${name}`,
      {
        trust: 'trusted',
        inspection: { mode: 'shadow' },
        stdio: {
          ...{ command: process.execPath, args: ['-e', RUNNER], process: 'shared' },
          sandbox: { memoryMiB: 2048, ...sandbox, ...(name === 'boxed' && { volumes }) },
        },
      },
    ] as const,
  ])
  const terse = {
    ...{ trust: 'trusted', inspection: { mode: 'shadow' } },
    stdio: {
      ...{ command: process.execPath, args: ['-e', RUNNER] },
      sandbox: { memoryMiB: 2048, totalOutputMiB: 1 },
    },
  }
  gateway = await startTestGateway({
    upstreams: [],
    environment: { SANDBOX_KEY: CREDENTIAL },
    config: { upstreams: { ...Object.fromEntries(upstreams), 'stdio-terse': terse }, limits: { callSeconds: 30 } },
  })
})
after(async () => {
  mock.restoreAll()
  await gateway?.close()
  host?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What a command says; nothing when it did not come to its end. */
async function said(upstream: string, code: string): Promise<string> {
  const { json } = await callTool(gateway, 'run_shell', { code }, { url: gateway.endpoint(upstream) })
  return json.result?.structuredContent?.stdout ?? json.result?.content?.[0]?.text ?? ''
}

for (const kind of ['code', 'stdio'] as const) {
  describe(`of upstreams.NAME.${kind}.sandbox`, { timeout: 120_000 }, () => {
    for (const [index, { key, isForPrograms }] of rows().entries()) {
      if (isForPrograms && kind === 'code') continue
      test(`${key} holds`, async () => {
        const { command, boxed, otherwise, by = 'boxed', other = 'plain' } = rows()[index] as Row
        assert.match(await said(`${kind}-${by}`, command), boxed, 'with it')
        assert.match(await said(`${kind}-${other}`, command), otherwise, 'without it')
      })
    }
  })
}

for (const [what, sandbox] of [
  ['volumes', { volumes: [{ name: 'data', at: '/data', sizeMiB: 8, files: 100 }] }],
  ['totalOutputMiB', { totalOutputMiB: 1 }],
  ['outputMiB', { outputMiB: 1 }],
] as const)
  test(`${what} means nothing for a snippet, so the gateway does not start with it`, async () => {
    const started = startTestGateway({ upstreams: [], config: { upstreams: { snippets: { code: { sandbox } } } } })
    await assert.rejects(started, /snippet/)
  })
