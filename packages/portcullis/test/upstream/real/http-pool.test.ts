import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { SecureVersion } from 'node:tls'
import type { HttpPool } from '../../../src/upstream/http-pool.ts'
import { isFault, pool } from '../harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-pool-'))
const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(folder, name)) as [string, string]
const subject = ['-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1']
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ],
  { stdio: 'ignore' },
)
const ca = readFileSync(cert, 'utf8')
const open: Array<() => unknown> = [() => rmSync(folder, { recursive: true })]
after(() => Promise.all(open.map((close) => close())))

async function tlsServer(maxVersion: SecureVersion): Promise<URL> {
  const server = createServer({ key: readFileSync(key), cert: ca, maxVersion }, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  open.push(() => server.close())
  return new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
}

const send = async (connections: HttpPool): Promise<number> => {
  open.push(() => connections.close())
  const response = await connections.send({ method: 'POST', headers: [], body: '{}' })
  return response.status
}

describe('HttpPool', () => {
  it('speaks TLS 1.3 with an upstream that the given authority vouches for', async () => {
    assert.equal(await send(pool(await tlsServer('TLSv1.3'), { ca })), 200)
  })

  it('refuses an unknown authority, another name and an older TLS', async () => {
    const url = await tlsServer('TLSv1.3')
    await assert.rejects(send(pool(url)), isFault('upstream.certificate_refused'))
    const other = new URL(url)
    other.hostname = 'localhost'
    await assert.rejects(send(pool(other, { ca })), isFault('upstream.certificate_refused'))
    await assert.rejects(send(pool(await tlsServer('TLSv1.2'), { ca })), isFault('upstream.unavailable'))
  })

  for (const url of [
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'http://10.0.0.1/',
    'ftp://127.0.0.1/',
    'https://u:p@example.com/',
  ]) {
    it(`refuses ${url}`, () => assert.throws(() => pool(new URL(url)), TypeError))
  }

  it('allows plain http to this machine', () => {
    for (const url of ['http://127.0.0.1:1/', 'http://localhost:1/', 'http://[::1]:1/'])
      open.push(() => pool(new URL(url)).close())
  })

  it('bounds standing streams apart from calls', async () => {
    const connections = pool(new URL('http://127.0.0.1:9/'), { maxStreams: 0 })
    const stream = connections.send({ method: 'GET', headers: [], standing: true })
    await assert.rejects(stream, isFault('upstream.unavailable', { standing: true }))
    await connections.close()
  })
})
