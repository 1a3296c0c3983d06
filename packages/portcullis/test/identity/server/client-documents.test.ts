import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrustedDocument } from '../../../src/identity/server/client-documents.ts'

test('a document counts where its host is trusted, character by character', () => {
  const hosts = ['trusted.example', 'other.example:8443']
  for (const id of ['https://trusted.example/client.json', 'https://other.example:8443/c', 'https://TRUSTED.example/c'])
    assert.equal(isTrustedDocument(id, hosts), true, id)
  for (const id of [
    ...[
      'http://trusted.example/c',
      'https://trusted.example',
      'https://trusted.example/',
      'https://trusted.example:8443/c',
    ],
    ...[
      'https://x.trusted.example/c',
      'https://trusted.example.evil.example/c',
      'https://trusted.example@evil.example/c',
    ],
    ...['https://trusted.example/c#x', 'https://other.example/c', 'nothing', ''],
  ])
    assert.equal(isTrustedDocument(id, hosts), false, id)
  assert.equal(isTrustedDocument('https://any.example/c', ['*']), true)
  assert.equal(isTrustedDocument('https://any.example/c', []), false)
})
