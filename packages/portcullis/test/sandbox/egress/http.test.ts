import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, afterEach, describe, it } from 'node:test'
import { Secret } from '../../../src/core/secret.ts'
import type { EgressAccess, NetworkRule } from '../../../src/sandbox/access.ts'
import {
  eventually,
  exchange,
  listen,
  open,
  type SandboxSettings,
  startHost,
  startSandbox,
  talk,
  type TestSandbox,
  until,
} from './loopback.ts'

const seen: { readonly method: string; readonly url: string; readonly rawHeaders: readonly string[]; body: string }[] =
  []
let respond: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.end('ok')
let sockets = 0
const server = createServer((request, response) => {
  const { method = '', url = '', rawHeaders } = request
  const entry = { method, url, rawHeaders, body: '' }
  seen.push(entry)
  request.on('data', (chunk) => {
    entry.body += String(chunk)
  })
  respond(request, response)
}).on('connection', () => sockets++)
const port = await listen(server)
const toClose: (() => void)[] = []
afterEach(() => {
  for (const close of toClose.splice(0)) close()
  seen.length = 0
  sockets = 0
  respond = (_request, response) => response.end('ok')
})
after(() => server.close())

const RULE: NetworkRule = { host: 'api.test', ports: [80, 8080], privateAddresses: true }

async function started(settings: Partial<SandboxSettings> = {}): Promise<TestSandbox> {
  const sandbox = await startSandbox({ allow: [RULE], dialPort: port, ...settings })
  toClose.push(sandbox.close)
  return sandbox
}

const get = (url: string, host = 'api.test', more = '') =>
  `GET ${url} HTTP/1.1\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`

const headersOf = (index = 0) =>
  Object.fromEntries(
    (seen[index]?.rawHeaders ?? []).flatMap((name, at, all) =>
      at % 2 === 0 ? [[name.toLowerCase(), all[at + 1]]] : [],
    ),
  )

/** A connection in place of the host on port 80: a tunnel, through which HTTP is read again. */
async function tunnelTo80(sandbox: TestSandbox) {
  const socket = await open(sandbox.proxyPort)
  socket.write('CONNECT api.test:80 HTTP/1.1\r\nHost: api.test:80\r\n\r\n')
  await until(socket, '\r\n\r\n')
  return socket
}

describe('a request that is allowed', () => {
  it('reaches the host in its own words, without what is of one connection only', async () => {
    const sandbox = await started()
    const more =
      'Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nX-One: 1\r\nX-Two: 2\r\n'
    const answer = await exchange(
      sandbox.proxyPort,
      `GET http://API.test:80/a?b=c HTTP/1.1\r\nHost: api.test\r\n${more}Connection: close, X-One\r\n\r\n`,
    )
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n[^]*ok/)
    assert.deepEqual([seen[0]!.method, seen[0]!.url], ['GET', '/a?b=c'])
    assert.deepEqual(headersOf(), { host: 'api.test', 'x-two': '2', connection: 'keep-alive' })
    await eventually(() => sandbox.accesses.length > 0)
    const [{ sentBytes, receivedBytes, durationMs, ...access }] = sandbox.accesses as readonly [EgressAccess]
    assert.deepEqual(access, {
      ...{ kind: 'egress', allowed: true, host: 'API.test', port: 80, protocol: 'http', address: '127.0.0.1' },
    })
    assert.ok(sentBytes! > 50 && receivedBytes! > 50 && durationMs! >= 0)
  })

  it('names a port that is not the usual one, in Host as well', async () => {
    const sandbox = await started()
    await exchange(sandbox.proxyPort, get('http://api.test:8080/', 'api.test:8080'))
    assert.equal(headersOf()['host'], 'api.test:8080')
    assert.deepEqual(sandbox.dials, ['127.0.0.1:8080'])
  })

  for (const [title, head, body] of [
    ['with a length', 'Content-Length: 5\r\n', 'hello'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
    ['that waits to be wanted', 'Content-Length: 5\r\nExpect: 100-continue\r\n', 'hello'],
  ] as const) {
    it(`carries a body ${title}`, async () => {
      respond = (request, response) => request.on('end', () => response.end(`got ${seen[0]!.body}`))
      const sandbox = await started()
      const answer = await exchange(
        sandbox.proxyPort,
        `POST http://api.test/ HTTP/1.1\r\nHost: api.test\r\n${head}Connection: close\r\n\r\n${body}`,
      )
      assert.match(answer, /got hello/)
    })
  }

  it('may be one of many on a connection, which then is one connection to the host as well', async () => {
    const sandbox = await started()
    const socket = await open(sandbox.proxyPort)
    for (const path of ['/1', '/2', '/3']) {
      socket.write(`GET http://api.test${path} HTTP/1.1\r\nHost: api.test\r\n\r\n`)
      await until(socket, 'ok')
    }
    socket.destroy()
    await eventually(() => sandbox.accesses.length === 3)
    assert.deepEqual([sockets, sandbox.resolved.length, seen.length], [1, 1, 3])
    const [first, second] = sandbox.accesses
    assert.equal(first!.sentBytes, second!.sentBytes)
    assert.equal(
      sandbox.egress.counters().sentBytes,
      sandbox.accesses.reduce((sum, { sentBytes = 0 }) => sum + sentBytes, 0),
    )
  })

  it('gets through a tunnel to port 80, and through a connection to a stand-in', async () => {
    const sandbox = await started()
    assert.match(await talk(await tunnelTo80(sandbox), get('/x')), /ok/)
    const query = Buffer.from('\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03api\x04test\0\0\x01\0\x01', 'latin1')
    const address = sandbox.egress.answerDns(query)!.subarray(-4).join('.')
    assert.match(await talk(await sandbox.toStandIn(address, 80), get('/y')), /ok/)
    assert.match(await talk(await sandbox.toStandIn(address, 8080), get('/z', 'api.test:8080')), /ok/)
    assert.deepEqual(
      sandbox.accesses.map(({ protocol, allowed, port: to }) => [protocol, allowed, to]),
      [
        ['connect', true, 80],
        ['transparent', true, 80],
        ['transparent', true, 8080],
      ],
    )
  })

  it('gets the answer of the host without headers of the connection, and an answer that ends too early is not whole', async () => {
    respond = (_request, response) => {
      response.writeHead(201, [
        'Keep-Alive',
        'timeout=9',
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
        'Content-Length',
        '9',
      ])
      response.write('part')
      setTimeout(() => response.destroy(), 20)
    }
    const sandbox = await started()
    const answer = await exchange(sandbox.proxyPort, get('http://api.test/'))
    assert.match(answer, /^HTTP\/1\.1 201 /)
    assert.ok(answer.includes('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n') && !/keep-alive: timeout/i.test(answer))
    assert.match(answer, /Content-Length: 9\r\n[^]*\r\n\r\npart$/)
  })
})

interface Refusal {
  readonly title: string
  readonly bytes: string
  readonly reason: string
  readonly rule?: Partial<NetworkRule>
}

const REFUSED: readonly Refusal[] = [
  { title: 'another host', bytes: get('http://evil.test/', 'evil.test'), reason: 'not-allowed' },
  { title: 'another port', bytes: get('http://api.test:81/', 'api.test:81'), reason: 'not-allowed' },
  { title: 'another Host header', bytes: get('http://api.test/', 'evil.test'), reason: 'host-header' },
  { title: 'a Host header with another port', bytes: get('http://api.test/', 'api.test:8080'), reason: 'host-header' },
  { title: 'two Host headers', bytes: get('http://api.test/', 'api.test\r\nHost: evil.test'), reason: 'host-header' },
  { title: 'a Host header with a user', bytes: get('http://api.test/', 'api.test@evil.test'), reason: 'host-header' },
  { title: 'a user in the URL', bytes: get('http://evil.test@api.test/'), reason: 'host' },
  { title: 'an address', bytes: get('http://127.0.0.1/', '127.0.0.1'), reason: 'host' },
  { title: 'https without a tunnel', bytes: get('https://api.test/'), reason: 'protocol' },
  { title: 'a file', bytes: get('file:///etc/passwd'), reason: 'protocol' },
  { title: 'a path at the proxy itself', bytes: get('/'), reason: 'protocol' },
  { title: 'a fragment', bytes: get('http://api.test/#@evil.test/'), reason: 'protocol' },
  { title: 'a backslash', bytes: get('http://api.test\\@evil.test/'), reason: 'protocol' },
  { title: 'a path with a backslash', bytes: get('http://api.test/a\\b'), reason: 'protocol' },
  { title: 'TRACE', bytes: get('http://api.test/').replace('GET', 'TRACE'), reason: 'method' },
  {
    title: 'a method that the rule does not name',
    rule: { methods: ['POST'] },
    bytes: get('http://api.test/'),
    reason: 'method',
  },
  ...['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override', 'X_HTTP_METHOD_OVERRIDE'].map((name) => ({
    title: `another method in ${name}`,
    rule: { methods: ['GET'] },
    bytes: get('http://api.test/', `api.test\r\n${name}: get, DELETE`),
    reason: 'method' as const,
  })),
  {
    title: 'TRACE in a header',
    bytes: get('http://api.test/', 'api.test\r\nX-HTTP-Method-Override: trace'),
    reason: 'method',
  },
  {
    title: 'plain HTTP to port 443',
    rule: { ports: [443] },
    bytes: get('http://api.test:443/', 'api.test:443'),
    reason: 'not-tls',
  },
  {
    title: 'a name that leads to loopback',
    rule: { privateAddresses: false },
    bytes: get('http://api.test/'),
    reason: 'address',
  },
]

for (const { title, bytes, reason, rule } of REFUSED) {
  it(`a request for ${title} is refused, and nothing is dialled`, async () => {
    const sandbox = await started({ allow: [{ ...RULE, ...rule }] })
    assert.match(await exchange(sandbox.proxyPort, bytes), /^HTTP\/1\.1 40[03] /)
    assert.deepEqual(
      sandbox.accesses.map((access) => [access.allowed, access.reason, access.protocol]),
      [[false, reason, 'http']],
    )
    assert.deepEqual([sandbox.dials, sockets], [[], 0])
  })
}

const SMUGGLED: Readonly<Record<string, string>> = {
  'two lengths': 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
  'the same length twice': 'Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'a length and chunks': 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a coding that nobody knows': 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'chunks at the end of a list': 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'chunks named twice': 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a blank before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  'a length with a sign': 'Content-Length: +5\r\n\r\nhello',
  'a line end without CR': 'X: y\nContent-Length: 5\r\n\r\nhello',
  'a NUL in a header': 'X: a\0b\r\n\r\n',
  'a folded line': 'X: a\r\n Transfer-Encoding: chunked\r\n\r\n',
  'a head without end': `X: ${'a'.repeat(70_000)}`,
}

for (const [title, rest] of Object.entries(SMUGGLED)) {
  it(`a request with ${title} goes nowhere`, async () => {
    const sandbox = await started()
    const answer = await exchange(sandbox.proxyPort, `POST http://api.test/ HTTP/1.1\r\nHost: api.test\r\n${rest}`)
    assert.match(answer, /^(?:HTTP\/1\.1 4\d\d |$)/)
    assert.deepEqual([sandbox.dials, seen], [[], []])
    assert.deepEqual(
      sandbox.accesses.map(({ allowed }) => allowed),
      [false],
    )
  })
}

describe('each request is decided for itself', () => {
  it('the second request of a connection may not go to another host', async () => {
    const sandbox = await started()
    const socket = await open(sandbox.proxyPort)
    socket.write('GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n')
    await until(socket, 'ok')
    const answer = await talk(socket, get('http://evil.test/', 'evil.test'))
    assert.match(answer, /403 [^]*\(not-allowed\)/)
    assert.deepEqual([sandbox.resolved, seen.length], [['api.test'], 1])
  })

  it('the second request of a tunnel may not either, by Host or by URL', async () => {
    const sandbox = await started()
    for (const bytes of [
      get('/', 'evil.test'),
      get('http://evil.test/', 'evil.test'),
      get('http://api.test/', 'evil.test'),
    ]) {
      const socket = await tunnelTo80(sandbox)
      socket.write('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n')
      await until(socket, 'ok')
      assert.match(await talk(socket, bytes), /^HTTP\/1\.1 40[03] /)
    }
    assert.equal(seen.length, 3)
    assert.deepEqual(new Set(sandbox.resolved), new Set(['api.test']))
  })

  it('a host that is allowed too gets a connection of its own', async () => {
    const sandbox = await started({ allow: [RULE, { ...RULE, host: 'other.test' }] })
    const socket = await open(sandbox.proxyPort)
    for (const name of ['api.test', 'other.test', 'api.test']) {
      socket.write(`GET http://${name}/ HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
      await until(socket, 'ok')
    }
    socket.destroy()
    assert.deepEqual([sockets, sandbox.resolved], [3, ['api.test', 'other.test', 'api.test']])
    assert.deepEqual([headersOf(0)['host'], headersOf(1)['host']], ['api.test', 'other.test'])
  })

  it('a request that does not wait for the answer before it ends the connection', async () => {
    const sandbox = await started()
    respond = () => {}
    const twice = 'GET http://api.test/ HTTP/1.1\r\nHost: api.test\r\n\r\n'.repeat(2)
    assert.equal(await exchange(sandbox.proxyPort, twice), '')
    assert.ok(seen.length <= 1 && sandbox.dials.length <= 1)
  })

  it('a tunnel in a tunnel is none', async () => {
    const sandbox = await started()
    const socket = await tunnelTo80(sandbox)
    assert.equal(await talk(socket, 'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n'), '')
    assert.deepEqual([sandbox.resolved, sandbox.dials], [['api.test'], []])
  })

  it('a rest of a body that nobody waited for is not the next request', async () => {
    respond = (_request, response) => response.writeHead(413).end('no')
    const sandbox = await started()
    const smuggled = 'GET http://api.test/smuggled HTTP/1.1\r\nHost: api.test\r\n\r\n'
    const answer = await exchange(
      sandbox.proxyPort,
      `POST http://api.test/ HTTP/1.1\r\nHost: api.test\r\nContent-Length: 5000\r\n\r\n${smuggled}`,
    )
    assert.match(answer, /^HTTP\/1\.1 413 [^]*Connection: close/i)
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/'],
    )
  })
})

describe('an injected header', () => {
  const inject = { name: 'Authorization', value: new Secret('Bearer s3cret-value') }
  const allow = [{ ...RULE, inject }]

  it('is put into each request, in place of any that the program sends', async () => {
    const sandbox = await started({ allow })
    const forged = 'authorization: Bearer forged\r\nAUTHORIZATION: other\r\n'
    const answer = await exchange(sandbox.proxyPort, get('http://api.test/', 'api.test', forged))
    await talk(await tunnelTo80(sandbox), get('/', 'api.test', `${forged}Connection: authorization\r\n`))
    for (const { rawHeaders } of seen) {
      const values = rawHeaders.filter((_, at) => rawHeaders[at - 1]?.toLowerCase() === 'authorization' && at % 2 === 1)
      assert.deepEqual(values, ['Bearer s3cret-value'])
    }
    assert.equal(seen.length, 2)
    assert.ok(!answer.includes('s3cret'))
    assert.ok(!JSON.stringify(sandbox.accesses).includes('s3cret'))
  })

  it('is not sent when the request is refused', async () => {
    const sandbox = await started({ allow })
    for (const bytes of [get('http://api.test/', 'evil.test'), get('http://api.test/').replace('GET', 'TRACE')]) {
      assert.ok(!(await exchange(sandbox.proxyPort, bytes)).includes('s3cret'))
    }
    assert.deepEqual([seen.length, sandbox.dials], [0, []])
  })

  it('does not leave in the clear when it is meant for opened TLS', async () => {
    const authority = { certificate: '', mintLeaf: () => assert.fail('there is no TLS here') }
    const sandbox = await started({ allow: [{ ...RULE, inject, openTls: true }], authority })
    assert.match(await exchange(sandbox.proxyPort, get('http://api.test/')), /\(not-tls\)/)
    assert.deepEqual([seen.length, sandbox.dials], [0, []])
  })
})

it('a host that does not speak HTTP, or is gone, is an error of the gateway kind', async () => {
  const strange = await startHost((socket) => socket.end('SSH-2.0-x\r\n'))
  toClose.push(strange.close)
  const sandbox = await started({ dialPort: strange.port })
  assert.match(await exchange(sandbox.proxyPort, get('http://api.test/')), /^HTTP\/1\.1 502 [^]*\(unreachable\)/)
  await eventually(() => sandbox.accesses.length > 0)
  assert.deepEqual([sandbox.accesses[0]!.allowed, sandbox.accesses[0]!.reason], [true, 'unreachable'])
})

it('a host that changes to another protocol is given up, and the program is told', async () => {
  const strange = await startHost((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello'))
  })
  toClose.push(strange.close)
  const sandbox = await started({ dialPort: strange.port })
  assert.match(await exchange(sandbox.proxyPort, get('http://api.test/')), /^HTTP\/1\.1 400 [^]*\(protocol\)/)
  assert.deepEqual(
    sandbox.accesses.map(({ allowed, reason }) => [allowed, reason]),
    [[true, 'protocol']],
  )
  await eventually(() => sandbox.egress.counters().connections === 0)
})
