/** ID-5 and ID-6: client certificates, as what a token is bound to (RFC 8705) and as a credential of their own. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ask, callTool, send, type Sending } from '../fixtures/client.ts'
import { createAuthority, type TestAuthority, type TestClientCertificate } from '../fixtures/client-certificate.ts'
import { type IssuingGateway, startIssuing } from '../fixtures/issuing-gateway.ts'
import { proofFor, proofKey } from '../fixtures/proof.ts'

let authority: TestAuthority
let running: IssuingGateway
let agent: TestClientCertificate
let stranger: TestClientCertificate

const POLICY = `@id("agents")
permit (principal in Role::"user", action, resource)
unless { principal.credential != "certificate" };
@id("administrators")
permit (principal in Role::"admin", action, resource);`

before(async () => {
  authority = await createAuthority()
  running = await startIssuing({
    policy: POLICY,
    config: {
      listen: { port: 0, tls: { authority: 'local', clientCertificates: { authorities: [authority.caFile] } } },
    },
    identity: {
      certificates: [
        { uri: 'spiffe://example.org/agents/*', roles: ['user'] },
        { dns: 'one.example.org', roles: ['admin'], upstreams: ['one'] },
        { subject: 'CN=old agent, O=Example', roles: ['admin'] },
      ],
    },
  })
  agent = await authority.issue({ names: [{ type: 'url', value: 'spiffe://example.org/agents/a' }] })
  stranger = await authority.issue({ subject: 'CN=nobody' })
})
after(async () => {
  await running.close()
  authority.remove()
})

const by = (certificate: TestClientCertificate, more: Sending = {}): Sending => ({
  ...{ token: null, certificate, url: running.gateway.endpoint('one') },
  ...more,
})
const call = (sending: Sending) => callTool(running.gateway, 'echo', {}, sending)

test('a certificate is a credential: by its SPIFFE id, its DNS name or its subject', async () => {
  const { gateway, upstream } = running
  const dns = await authority.issue({ names: [{ type: 'dns', value: 'one.example.org' }] })
  const subject = await authority.issue({ subject: 'CN=old agent, O=Example' })
  const earlier = upstream.count()
  for (const one of [agent, dns, subject]) {
    const reply = await call(by(one))
    assert.equal(reply.status, 200, reply.text)
  }
  assert.equal(upstream.count(), earlier + 3)
  const limited = await call(by(dns, { url: gateway.endpoint('two') }))
  assert.deepEqual([limited.status, limited.json.error.data.code], [403, 'identity.insufficient_scope'])
  assert.equal((await ask(gateway, 'tools/list', {}, by(agent))).status, 200)
})

test('a certificate without a rule is no credential, and a bearer still may use its connection', async () => {
  const { gateway, upstream } = running
  const earlier = upstream.count()
  const reply = await call(by(stranger))
  assert.deepEqual([reply.status, reply.json.error.data.code], [401, 'identity.missing'])
  assert.equal(upstream.count(), earlier)
  assert.equal((await call(by(stranger, { token: gateway.token }))).status, 200)
})

test('a credential that fails is not replaced by the certificate beside it', async () => {
  const { upstream } = running
  const earlier = upstream.count()
  for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic YTpi', 'DPoP x', '']) {
    assert.equal((await call(by(agent, { headers: { authorization } }))).status, 401, authorization)
  }
  assert.equal(upstream.count(), earlier)
})

test('a token that is bound to a certificate is good on its connections alone', async () => {
  const { upstream } = running
  const token = await running.token({ cnf: { 'x5t#S256': agent.thumbprint } })
  assert.equal((await call(by(agent, { token }))).status, 200)
  const earlier = upstream.count()
  const other = await authority.issue({ names: [{ type: 'url', value: 'spiffe://example.org/agents/a' }] })
  for (const certificate of [stranger, other]) assert.equal((await call(by(certificate, { token }))).status, 401)
  assert.equal((await running.echo(token)).status, 401, 'without a certificate')
  assert.equal(upstream.count(), earlier)
})

test('a token that is bound to both needs both', async () => {
  const key = await proofKey()
  const { prove, gateway, seconds } = running
  const token = await running.token({ cnf: { 'x5t#S256': agent.thumbprint, jkt: key.jkt } })
  const first = await prove(key, token, { nonce: '' }, { certificate: agent })
  const nonce = String(first.headers['dpop-nonce'])
  assert.equal((await prove(key, token, { nonce }, { certificate: agent })).status, 200)
  assert.equal((await prove(key, token, { nonce })).status, 401)
  assert.equal((await call(by(agent, { token }))).status, 401)
  const url = gateway.endpoint('one')
  const dpop = await proofFor(await proofKey(), { url, token, nonce, iat: seconds() })
  assert.equal((await call(by(agent, { headers: { authorization: `DPoP ${token}`, dpop } }))).status, 401)
})

test('what counts as bound opens what demands it: a certificate, and a token that is bound to one', async (t) => {
  const strict = await startIssuing({
    config: {
      listen: { port: 0, tls: { authority: 'local', clientCertificates: { authorities: [authority.caFile] } } },
    },
    upstreams: { one: { senderConstrained: 'required' } },
    identity: { certificates: [{ uri: 'spiffe://example.org/agents/*', roles: ['admin'] }] },
  })
  t.after(() => strict.close())
  const { gateway, upstream } = strict
  const url = gateway.endpoint('one')
  assert.equal((await strict.echo(gateway.token, { certificate: agent })).status, 401, 'a bearer beside a certificate')
  assert.equal(upstream.count(), 0)
  assert.equal((await callTool(gateway, 'echo', {}, { token: null, certificate: agent, url })).status, 200)
  const token = await strict.token({ cnf: { 'x5t#S256': agent.thumbprint } })
  assert.equal((await strict.echo(token, { certificate: agent })).status, 200)
  const path = '/.well-known/oauth-protected-resource/mcp/one'
  const { json } = await send(gateway, undefined, { method: 'GET', url: gateway.origin + path, token: null })
  assert.equal(json.tls_client_certificate_bound_access_tokens, true)
  assert.equal(json.dpop_bound_access_tokens_required, undefined)
})

test('with mode required nobody connects without a certificate of the authorities', async (t) => {
  const clientCertificates = { authorities: [authority.caFile], mode: 'required' }
  const strict = await startIssuing({
    config: { listen: { port: 0, tls: { authority: 'local', clientCertificates } } },
  })
  t.after(() => strict.close())
  await assert.rejects(strict.echo(strict.gateway.token))
  assert.equal((await strict.echo(strict.gateway.token, { certificate: stranger })).status, 200)
})

test('the record names who it was by the thumbprint', async () => {
  await call(by(agent))
  const { readdirSync, readFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { auditFolder } = running.gateway
  const written = readdirSync(auditFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('')
  assert.ok(written.includes('certificate:spiffe://example.org/agents/a'))
  assert.ok(written.includes(`"kind":"certificate","id":"${agent.thumbprint}"`))
})
