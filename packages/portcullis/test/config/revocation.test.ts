import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { weaknesses } from '../../src/config/weaknesses.ts'
import { revocationUrl } from '../../src/gateway/publish-revocations.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-revocation-'))
after(() => rmSync(folder, { recursive: true }))
mkdirSync(join(folder, 'policies'))
writeFileSync(join(folder, 'policies', 'a.cedar'), 'permit (principal, action, resource);')

const configOf = (revocation: string) =>
  parseConfig(
    `version: 1\nstate: state\nlisten: { revocation: ${revocation} }\nupstreams: {}\n`,
    join(folder, 'portcullis.yaml'),
    {},
  )

test('plain HTTP is spelled, is a weakness, and has an address that certificates can name', () => {
  const local = configOf('{ plaintext: loopback-only }')
  assert.equal(revocationUrl(local), 'http://127.0.0.1:8480')
  const open = configOf("{ host: '::', url: 'http://pki.example.org', plaintext: signed-answers }")
  assert.equal(revocationUrl(open), 'http://pki.example.org')
  assert.equal(revocationUrl(configOf("{ host: '::1', plaintext: loopback-only }")), 'http://[::1]:8480')
  const found = [local, open].flatMap((config) => weaknesses(config).filter(({ path }) => path.includes('revocation')))
  assert.deepEqual(
    found.map(({ word }) => word),
    ['loopback-only', 'signed-answers'],
  )
})

const BAD: readonly (readonly [text: string, says: RegExp])[] = [
  ['{}', /plaintext/],
  ['{ plaintext: yes-please }', /plaintext/],
  ['{ host: 0.0.0.0, url: "http://a.example", plaintext: loopback-only }', /elsewhere say signed-answers/],
  ['{ host: 0.0.0.0, plaintext: signed-answers }', /needs a url/],
  ['{ port: 0, plaintext: loopback-only }', /needs a url/],
  ['{ url: "https://a.example", plaintext: loopback-only }', /http:\/\/pki\.example\.org/],
  ['{ url: "http://a.example/path", plaintext: loopback-only }', /an origin/],
  ['{ plaintext: loopback-only, tls: {} }', /tls/],
]

test('what cannot be is told', () => {
  for (const [text, says] of BAD) assert.throws(() => configOf(text), says, text)
})
