import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { passkeyResponse } from '../../../../src/identity/server/passkeys/passkey-response.ts'
import { passkeySite } from '../../../../src/identity/server/passkeys/passkey-site.ts'

const client = (members: object) => Buffer.from(JSON.stringify(members)).toString('base64url')
const answer = (members: object = {}, response: object = {}) =>
  JSON.stringify({
    ...{ id: 'a'.repeat(22), rawId: 'a'.repeat(22), type: 'public-key' },
    response: { clientDataJSON: client({ type: 'webauthn.get', challenge: 'c', crossOrigin: false }), ...response },
    ...members,
  })

test('the id, the challenge and the transports of an answer are read, and extensions are not', () => {
  const text = answer({ clientExtensionResults: { x: 1 } }, { transports: ['usb', 7, 'NFC!', 'ble'], userHandle: 'u' })
  const read = passkeyResponse(text)
  assert.partialDeepStrictEqual(read, {
    id: 'a'.repeat(22),
    challenge: 'c',
    transports: ['usb', 'ble'],
    userHandle: 'u',
  })
  assert.partialDeepStrictEqual(read, { json: { clientExtensionResults: {} } })
  assert.ok(!JSON.stringify(read).includes('"x":1'))
})

for (const [what, text] of [
  ['nothing', undefined],
  ['an id that is too short', answer({ id: 'abc' })],
  ['an id of endless length', answer({ id: 'a'.repeat(1365) })],
  ['an id with another alphabet', answer({ id: `${'a'.repeat(20)}+/` })],
  ['client data that are no JSON', answer({}, { clientDataJSON: 'e30x' })],
  ['client data without a challenge', answer({}, { clientDataJSON: client({}) })],
  ['an answer from a frame', answer({}, { clientDataJSON: client({ challenge: 'c', crossOrigin: true }) })],
  ['an answer that may be from a frame', answer({}, { clientDataJSON: client({ challenge: 'c', crossOrigin: 'no' }) })],
  ['far too much', `${answer().slice(0, -1)}, "x": "${'x'.repeat(40_000)}"}`],
] as const) {
  test(`${what} is no answer`, () => assert.equal(passkeyResponse(text), undefined))
}

test('whatever is sent, it is read or refused, and never thrown at', () => {
  fc.assert(fc.property(fc.string(), (text) => void passkeyResponse(text)))
  fc.assert(fc.property(fc.json(), (text) => void passkeyResponse(text)))
  fc.assert(
    fc.property(fc.jsonValue(), (response) => void passkeyResponse(JSON.stringify({ id: 'a'.repeat(22), response }))),
  )
})

for (const [url, id] of [
  ['https://gate.example', 'gate.example'],
  ['https://gate.example:8443', 'gate.example'],
  ['https://localhost:8443', 'localhost'],
  ['http://localhost:8443', 'localhost'],
  ['https://127.0.0.1:8443', undefined],
  ['https://[::1]:8443', undefined],
  ['http://gate.example', undefined],
] as const) {
  test(`the site of ${url} is ${id ?? 'none'}`, () => assert.equal(passkeySite(url)?.id, id))
}
