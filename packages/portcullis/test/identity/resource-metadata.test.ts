import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metadataUrl, resourceDocuments } from '../../src/identity/resource-metadata.ts'

const PARTS = {
  resources: [
    { resource: 'https://gate.example/mcp', kind: 'aggregate', scopes: [], boundOnly: true },
    { resource: 'https://gate.example/mcp/files', name: 'Files', kind: 'upstream', scopes: ['mcp'], boundOnly: false },
  ],
  issuers: ['https://login.example'],
  proofAlgorithms: ['ES256'],
  clientCertificates: false,
} as const

describe('resourceDocuments', () => {
  it('describes each path at its own place, and the aggregate at the root too', () => {
    const documents = resourceDocuments(PARTS)
    const well = '/.well-known/oauth-protected-resource'
    assert.deepEqual([...documents.keys()].toSorted(), [well, `${well}/mcp`, `${well}/mcp/files`])
    assert.equal(documents.get(well), documents.get(`${well}/mcp`))
    assert.deepEqual(documents.get(`${well}/mcp/files`), {
      resource: 'https://gate.example/mcp/files',
      authorization_servers: ['https://login.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp'],
      resource_name: 'Files',
      dpop_signing_alg_values_supported: ['ES256'],
    })
  })

  it('publishes nothing without an authorization server', () => {
    assert.equal(resourceDocuments({ ...PARTS, issuers: [] }).size, 0)
  })

  it('leaves scopes out when there are none, and says when tokens have to be bound', () => {
    assert.deepEqual(resourceDocuments(PARTS).get('/.well-known/oauth-protected-resource'), {
      resource: 'https://gate.example/mcp',
      authorization_servers: ['https://login.example'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256'],
      dpop_bound_access_tokens_required: true,
    })
  })

  it('says that tokens can be bound to a certificate, which is then enough', () => {
    const documents = resourceDocuments({ ...PARTS, proofAlgorithms: [], clientCertificates: true })
    assert.deepEqual(documents.get('/.well-known/oauth-protected-resource'), {
      resource: 'https://gate.example/mcp',
      authorization_servers: ['https://login.example'],
      bearer_methods_supported: ['header'],
      tls_client_certificate_bound_access_tokens: true,
    })
  })

  it('refuses a scope that is none', () => {
    const resources = [{ ...PARTS.resources[0], scopes: ['a b'] }]
    assert.throws(() => resourceDocuments({ ...PARTS, resources }), TypeError)
  })
})

describe('metadataUrl', () => {
  for (const [resource, expected] of [
    ['https://gate.example', 'https://gate.example/.well-known/oauth-protected-resource'],
    ['https://gate.example:8443/mcp/a', 'https://gate.example:8443/.well-known/oauth-protected-resource/mcp/a'],
  ] as const) {
    it(`of ${resource} is ${expected}`, () => assert.equal(metadataUrl(resource), expected))
  }

  for (const bad of ['mcp/files', 'https://gate.example/mcp?x=1', 'https://gate.example/mcp#x']) {
    it(`refuses ${bad}`, () => assert.throws(() => metadataUrl(bad), TypeError))
  }
})
