import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metadataUrl, resourceDocuments } from '../../src/identity/resource-metadata.ts'

const PARTS = {
  resources: [
    { resource: 'https://gate.example/mcp', kind: 'aggregate' },
    { resource: 'https://gate.example/mcp/files', name: 'Files', kind: 'upstream' },
  ],
  issuers: ['https://login.example'],
  scopes: ['mcp'],
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
    })
  })

  it('publishes nothing without an authorization server', () => {
    assert.equal(resourceDocuments({ ...PARTS, issuers: [] }).size, 0)
  })

  it('leaves scopes out when there are none', () => {
    const document = resourceDocuments({ ...PARTS, scopes: [] }).get('/.well-known/oauth-protected-resource')
    assert.equal(document && 'scopes_supported' in document, false)
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
