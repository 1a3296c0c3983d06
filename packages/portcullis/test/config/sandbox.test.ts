/** SB-1…SB-3: what the walls of an upstream may be told, and every refusal with its reason, at load. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configJsonSchema, nodeAt } from '../../src/config/schema-node.ts'
import type { SchemaNode } from '../../src/config/schema-node.ts'
import type { SandboxConfig } from '../../src/config/schema.ts'
import { parse, problemsOf, workspace } from './workspace.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

/** YAML is a superset of JSON, so an upstream can be written as one line. */
const withUpstream = (upstream: object): string =>
  `version: 1\nstate: state\npolicy: { files: [ policies/*.cedar ] }\nupstreams: ${JSON.stringify({ up: upstream })}\n`
const withSandbox = (sandbox: object): string => withUpstream({ stdio: { command: 'sh', sandbox } })
const withRule = (rule: object): object => ({ network: { allow: [rule] } })

test('without a word about it, a program has no network, no paths, and a limit for everything', (context) => {
  const config = parse(workspace(context), withSandbox({}))
  const walls = config.upstreams['up']?.stdio?.sandbox as SandboxConfig
  const { driver, read, write, volumes, network, require, ...limits } = walls
  assert.deepEqual(
    { driver, read, write, volumes, network, require },
    { driver: 'bubblewrap', read: [], write: [], volumes: [], network: undefined, require: [] },
  )
  assert.deepEqual(limits, {
    memoryMiB: 1024,
    processes: 64,
    openFiles: 1024,
    fileMiB: 64,
    tmpMiB: 64,
    tmpFiles: 20_000,
    outputMiB: 256,
  })
})

test('paths and secrets of the walls are relative to the file, and ports are those of https', (context) => {
  const folder = workspace(context)
  writeFileSync(join(folder, 'token'), 'Bearer x', { mode: 0o600 })
  mkdirSync(join(folder, 'work'))
  const credential = { header: 'authorization', value: { file: 'token' } }
  for (const kind of ['stdio', 'code'] as const) {
    const sandbox = { write: ['work'], network: { allow: [{ host: 'api.example', tls: 'opened', credential }] } }
    const config = parse(folder, withUpstream({ [kind]: { ...(kind === 'stdio' && { command: 'sh' }), sandbox } }))
    const walls = config.upstreams['up']?.[kind]?.sandbox as SandboxConfig
    assert.deepEqual(walls.write, [join(folder, 'work')])
    assert.deepEqual(walls.network, {
      mode: 'transparent',
      maxMiB: 1024,
      connections: 64,
      connectSeconds: 10,
      idleSeconds: 120,
      allow: [
        {
          host: 'api.example',
          ports: [443],
          tls: 'opened',
          credential: { header: 'authorization', value: { file: join(folder, 'token') } },
        },
      ],
    })
  }
})

const REFUSED: readonly (readonly [name: string, sandbox: object, problem: RegExp])[] = [
  ['an unknown key', { netwrok: {} }, /sandbox\.netwrok: unknown key; did you mean "network"/],
  ['an unknown key of the network', { network: { allow: [{ host: 'a.b' }], deny: [] } }, /network\.deny: unknown key/],
  [
    'an unknown key of a rule',
    withRule({ host: 'a.b', port: 1 }),
    /allow\[0\]\.port: unknown key; did you mean "ports"/,
  ],
  ['a driver that is none', { driver: 'docker' }, /driver: "docker" is not valid here/],
  ['a path that is not there', { read: ['nowhere'] }, /read\[0\]: .*nowhere does not exist/],
  ['a folder to write that is not there', { write: ['nowhere'] }, /write\[0\]: .*nowhere does not exist/],
  ['every host', withRule({ host: '*' }), /host: "\*" would allow every host/],
  ['a whole top-level domain', withRule({ host: '*.com' }), /host: "\*\.com" would allow every host below/],
  ['a host in capitals', withRule({ host: 'Example.com' }), /host: "Example\.com" is not in lower case/],
  ['an address as a host', withRule({ host: '127.0.0.1' }), /host: "127\.0\.0\.1" is an address, not a name/],
  ['a URL as a host', withRule({ host: 'https://a.b/' }), /is no host name/],
  ['a network without a rule', { network: { allow: [] } }, /network\.allow: a list is not valid here/],
  ['port 0', withRule({ host: 'a.b', ports: [0] }), /ports\[0\]: 0 is not valid here/],
  ['port 65536', withRule({ host: 'a.b', ports: [65_536] }), /ports\[0\]: 65536 is not valid here/],
  ['no port', withRule({ host: 'a.b', ports: [] }), /ports: a list is not valid here/],
  ['a method that is none', withRule({ host: 'a.b', ports: [80], methods: ['get'] }), /methods\[0\]: "get"/],
  ['methods inside TLS', withRule({ host: 'a.b', methods: ['GET'] }), /methods: methods cannot be seen inside TLS/],
  [
    'a credential inside TLS',
    withRule({ host: 'a.b', credential: { header: 'authorization', value: { env: 'TOKEN' } } }),
    /credential: nothing can be put into TLS/,
  ],
  [
    'a credential that is written out',
    withRule({ host: 'a.b', ports: [80], credential: { header: 'authorization', value: 'Bearer x' } }),
    /credential\.value: "Bearer x" is not valid here/,
  ],
  [
    'a credential from nowhere',
    withRule({ host: 'a.b', ports: [80], credential: { header: 'authorization', value: { env: 'ABSENT' } } }),
    /credential\.value: the environment variable ABSENT is not set/,
  ],
  [
    'a credential in a header that frames',
    withRule({ host: 'a.b', ports: [80], credential: { header: 'transfer-encoding', value: { env: 'TOKEN' } } }),
    /credential\.header: says where a request ends or whom it is for/,
  ],
  ['a word for private that is another', withRule({ host: 'a.b', private: true }), /private: true is not valid here/],
  ['a word for tls that is another', withRule({ host: 'a.b', tls: 'open' }), /tls: "open" is not valid here/],
  [
    'two rules for one place',
    { network: { allow: [{ host: 'a.b' }, { host: 'a.b', ports: [80, 443] }] } },
    /allow\[1\]: a\.b has a rule for one of these ports already/,
  ],
  [
    'a rule behind a wider one',
    { network: { allow: [{ host: '*.a.b' }, { host: 'api.a.b', tls: 'opened', methods: ['GET'] }] } },
    /allow\[1\]: \*\.a\.b before it decides about api\.a\.b and one of these ports/,
  ],
  [
    'a wildcard behind a wider one',
    { network: { allow: [{ host: '*.a.b' }, { host: '*.c.a.b', ports: [80, 443] }] } },
    /allow\[1\]: \*\.a\.b before it decides about \*\.c\.a\.b/,
  ],
  ['a network that nobody keeps', { driver: 'none', ...withRule({ host: 'a.b' }) }, /network: the driver none keeps/],
  ['no memory', { memoryMiB: 0 }, /memoryMiB: 0 is not valid here/],
  ['no processor', { cpus: 0 }, /cpus: 0 is not valid here; expected a number from 0\.05 to 1024/],
  ['no process', { processes: 0 }, /processes: 0 is not valid here/],
  ['no open file', { openFiles: 0 }, /openFiles: 0 is not valid here/],
  ['files without size', { fileMiB: 0 }, /fileMiB: 0 is not valid here/],
  ['private folders without size', { tmpMiB: 0 }, /tmpMiB: 0 is not valid here/],
  ['private folders without files', { tmpFiles: 0 }, /tmpFiles: 0 is not valid here/],
  ['no disk', { diskMiB: 0 }, /diskMiB: 0 is not valid here/],
  ['no files', { diskFiles: 0 }, /diskFiles: 0 is not valid here/],
  ['no output at all', { totalOutputMiB: 0 }, /totalOutputMiB: 0 is not valid here/],
  ['no output', { outputMiB: 0 }, /outputMiB: 0 is not valid here/],
  ['a limit in words', { memoryMiB: '1G' }, /memoryMiB: "1G" is not valid here/],
  ['a disk limit for no folder', { diskMiB: 1 }, /write: diskMiB and diskFiles limit the folders of write/],
  ['a requirement that is none', { require: ['network'] }, /require\[0\]: "network" is not valid here/],
  ['a requirement twice', { require: ['disk', 'disk'] }, /require\[1\]: is listed twice/],
  ['a volume at a relative path', { volumes: [{ name: 'v', at: 'data', sizeMiB: 1 }] }, /volumes\[0\]\.at: "data"/],
  ['a volume that climbs', { volumes: [{ name: 'v', at: '/data/../etc', sizeMiB: 1 }] }, /volumes\[0\]\.at: /],
  ['a volume without size', { volumes: [{ name: 'v', at: '/data', sizeMiB: 0 }] }, /sizeMiB: 0 is not valid here/],
  [
    'a volume in a place of the system',
    { volumes: [{ name: 'v', at: '/etc/ssl', sizeMiB: 1 }] },
    /volumes\[0\]\.at: \/etc belongs to the system/,
  ],
  [
    'volumes without walls',
    { driver: 'none', volumes: [{ name: 'v', at: '/v', sizeMiB: 1 }] },
    /volumes: the drivers seatbelt and none have no volumes/,
  ],
  [
    'two volumes of one name',
    {
      volumes: [
        { name: 'v', at: '/a', sizeMiB: 1 },
        { name: 'v', at: '/b', sizeMiB: 1 },
      ],
    },
    /volumes\[1\]\.name: another volume has it already/,
  ],
  [
    'two volumes at one place',
    {
      volumes: [
        { name: 'v', at: '/a', sizeMiB: 1 },
        { name: 'w', at: '/a', sizeMiB: 1 },
      ],
    },
    /volumes\[1\]\.at: another volume has it already/,
  ],
  ['a container without an image', { driver: 'container' }, /container: belongs to the driver container/],
  ['an image without its digest', { driver: 'container', container: { image: 'node:24' } }, /image: "node:24" is not/],
  ['an image that is an option', { driver: 'container', container: { image: `--privileged@${DIGEST}` } }, /image: /],
  [
    'a runtime that is an option',
    { driver: 'container', container: { image: `node@${DIGEST}`, runtime: '--x' } },
    /runtime: "--x" is not/,
  ],
  ['an image for another driver', { container: { image: `node@${DIGEST}` } }, /container: belongs to the driver/],
]

for (const [name, sandbox, problem] of REFUSED) {
  test(`${name} is refused with the reason`, (context) => {
    const problems = problemsOf(workspace(context), withSandbox(sandbox))
    assert.match(problems.join('\n'), problem)
  })
}

test('what is refused for a server is refused for snippets too', (context) => {
  const folder = workspace(context)
  for (const [name, sandbox, problem] of REFUSED) {
    const problems = problemsOf(folder, withUpstream({ code: { sandbox } }))
    assert.match(problems.join('\n'), problem, name)
  }
})

test('all that is wrong with the walls is told at once', (context) => {
  const sandbox = { memoryMiB: 0, read: 'x', network: { allow: [{ host: '*' }, { host: 'a.b', ports: [0] }] }, cpu: 1 }
  const problems = problemsOf(workspace(context), withSandbox(sandbox)).join('\n')
  for (const path of ['memoryMiB', 'read', 'allow[0].host', 'allow[1].ports[0]', 'cpu'])
    assert.ok(problems.includes(`sandbox.${path.replace(/^allow/, 'network.allow')}`), `${path} in ${problems}`)
})

const OWN: readonly (readonly [what: string, path: string, config?: string])[] = [
  ['the folder of the state', 'state'],
  ['a folder inside of the state', 'state/deep'],
  ['the folder above the state', '.'],
  ['a link to the state', 'link'],
  ['the policies', 'policies'],
  ['the records', 'records', 'audit: { folder: records }\n'],
  ['a folder with the records in it', 'outer', 'audit: { folder: outer/records }\n'],
]
for (const [what, path, extra = ''] of OWN) {
  test(`a program may not write to ${what}`, (context) => {
    const folder = workspace(context)
    for (const each of ['state/deep', 'records', 'outer/records'])
      mkdirSync(join(folder, each), { recursive: true, mode: 0o700 })
    symlinkSync(join(folder, 'state'), join(folder, 'link'))
    const problems = problemsOf(folder, `${extra}${withSandbox({ write: [path] })}`)
    assert.match(problems.join('\n'), /sandbox\.write\[0\]: .*(?:belongs to the gateway|holds the policies)/)
  })
}

test('a program may read what tells the gateway whom to believe, and not write to it', (context) => {
  const folder = workspace(context)
  mkdirSync(join(folder, 'trust'))
  for (const name of ['issuer.pem', 'server.pem']) writeFileSync(join(folder, 'trust', name), '')
  const issuer = {
    issuer: 'https://idp.example',
    audiences: ['https://gw.example'],
    tenant: 'acme',
    ca: 'trust/issuer.pem',
  }
  const issuers = `identity: ${JSON.stringify({ issuers: [issuer] })}\n`
  const servers = (sandbox: object) =>
    withSandbox(sandbox).replace(
      /\}\n$/,
      ', "web": {"http": {"url": "https://a.b/mcp", "tls": {"ca": "trust/server.pem"}}}}\n',
    )
  assert.deepEqual(problemsOf(folder, `${issuers}${servers({ read: ['trust'] })}`), [])
  const refused = /write\[0\]: .*trust holds .*issuer\.pem, which belongs to the gateway/
  assert.match(problemsOf(folder, `${issuers}${withSandbox({ write: ['trust'] })}`).join(), refused)
  assert.match(problemsOf(folder, servers({ write: ['trust'] })).join(), /write\[0\]: .*holds .*server\.pem/)
  assert.match(problemsOf(folder, servers({ write: ['trust/server.pem'] })).join(), /write\[0\]: .*belongs to/)
})

test('a program may write beside the configuration, and read nothing of the state', (context) => {
  const folder = workspace(context)
  for (const each of ['state', 'state2', 'work']) mkdirSync(join(folder, each))
  assert.deepEqual(problemsOf(folder, withSandbox({ write: ['work', 'state2'] })), [])
  assert.match(problemsOf(folder, withSandbox({ read: ['state'] })).join(), /read\[0\]: .*belongs to the gateway/)
})

test('a folder below which policies are looked for may not be written to', (context) => {
  const folder = workspace(context)
  mkdirSync(join(folder, 'policies', 'team'))
  const text = withSandbox({ write: ['policies/team'] }).replace('policies/*.cedar', 'policies/**/*.cedar')
  assert.match(problemsOf(folder, text).join(), /write\[0\]: .*holds the policies/)
})

const PROGRAMS: readonly (readonly [command: string, problem: RegExp])[] = [
  ['no-such-program-here', /stdio\.command: there is no program no-such-program-here in \/usr\/local\/bin/],
  ['./nowhere', /stdio\.command: .*nowhere is no program; name a file that can be run/],
  ['./plain', /stdio\.command: .*plain is no program/],
  ['./policies', /stdio\.command: .*policies is no program/],
]
for (const [command, problem] of PROGRAMS) {
  test(`the program ${command} is missed at load`, (context) => {
    const folder = workspace(context)
    writeFileSync(join(folder, 'plain'), 'text')
    chmodSync(join(folder, 'plain'), 0o644)
    assert.match(problemsOf(folder, withUpstream({ stdio: { command } })).join('\n'), problem)
  })
}

test('a program of an image is not looked for on this host', (context) => {
  const sandbox = { driver: 'container', container: { image: `docker.io/library/node@${DIGEST}` } }
  assert.deepEqual(problemsOf(workspace(context), withUpstream({ stdio: { command: 'mcp-server', sandbox } })), [])
})

test('a process that waits has no volumes, because it does not know yet whose they would be', (context) => {
  const stdio = { command: 'sh', warm: 1, sandbox: { volumes: [{ name: 'v', at: '/v', sizeMiB: 1 }] } }
  assert.match(problemsOf(workspace(context), withUpstream({ stdio })).join(), /stdio\.warm: a process that waits/)
  assert.deepEqual(problemsOf(workspace(context), withUpstream({ stdio: { ...stdio, warm: 0 } })), [])
})

const CODE: readonly (readonly [name: string, code: object, problem: RegExp])[] = [
  ['a language that nobody speaks', { languages: ['perl'] }, /code\.languages\[0\]: "perl" is not valid here/],
  ['no language', { languages: [] }, /code\.languages: a list is not valid here/],
  ['a language twice', { languages: ['shell', 'shell'] }, /code\.languages: lists a language twice/],
  ['no time', { timeoutSeconds: 0 }, /code\.timeoutSeconds: 0 is not valid here/],
  ['no output', { outputKiB: 0 }, /code\.outputKiB: 0 is not valid here/],
  ['volumes', { sandbox: { volumes: [{ name: 'v', at: '/v', sizeMiB: 1 }] } }, /code\.sandbox\.volumes: nothing of a/],
  ['a command', { command: 'sh' }, /code\.command: unknown key/],
]
for (const [name, code, problem] of CODE) {
  test(`snippets with ${name} are refused with the reason`, (context) => {
    assert.match(problemsOf(workspace(context), withUpstream({ code })).join('\n'), problem)
  })
}

test('every key of the walls is described', () => {
  assert.deepEqual(undescribed('', configJsonSchema().properties?.['upstreams'] as SchemaNode), [])
  assert.ok(nodeAt(['upstreams', 'a', 'code', 'sandbox', 'network', 'allow', 0, 'host'])?.description)
})

function undescribed(path: string, node: SchemaNode): readonly string[] {
  const named =
    typeof node.additionalProperties === 'object' ? undescribed(`${path}.NAME`, node.additionalProperties) : []
  const items = node.items === undefined ? [] : undescribed(`${path}[]`, node.items)
  const children = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description === undefined && child.properties === undefined ? [`${path}.${key}`] : []),
    ...undescribed(`${path}.${key}`, child),
  ])
  return [...named, ...items, ...children]
}
