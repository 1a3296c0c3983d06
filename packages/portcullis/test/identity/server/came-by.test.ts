import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuerOf, kept, methodsOf, stillAdmits } from '../../../src/identity/server/came-by.ts'
import { PasskeySignIn } from '../../../src/identity/server/passkeys/passkey-sign-in.ts'
import { PasswordSignIn } from '../../../src/identity/server/password-sign-in.ts'
import type { ServerSettings } from '../../../src/identity/server/settings.ts'

const ACME = 'https://acme.example'
const password = new PasswordSignIn({} as never)
const passwordAndCode = new PasswordSignIn({ codeRequired: true } as never)
const passkey = new PasskeySignIn({} as never)
const at = (...issuers: readonly string[]) =>
  ({ providers: issuers.map((issuer) => ({ settings: { issuer } })) }) as unknown as ServerSettings['outside']

const BY_PASSWORD = ['pwd']
const BY_CODE = ['pwd', 'otp', 'mfa']
const BY_KEY = ['pop', 'user', 'mfa']
const BY_ACME = kept({ amr: ['fed', 'pwd', 'otp', 'pop', 'user', 'mfa'], issuer: ACME })

for (const [what, methods, outside, admitted] of [
  ['a password', [password], undefined, [BY_PASSWORD, BY_CODE]],
  ['a password with its code', [passwordAndCode], undefined, [BY_CODE]],
  ['a passkey', [passkey], undefined, [BY_KEY]],
  ['password and passkey', [password, passkey], undefined, [BY_PASSWORD, BY_CODE, BY_KEY]],
  ['a provider alone', [], at(ACME), [BY_ACME]],
  ['another provider', [], at('https://rival.example'), []],
  ['a password beside another provider', [password], at('https://rival.example'), [BY_PASSWORD, BY_CODE]],
  ['nothing', [], undefined, []],
] as const) {
  test(`where ${what} lets people in, exactly those stay who came so`, () => {
    const all = [BY_PASSWORD, BY_CODE, BY_KEY, BY_ACME]
    const stay = all.filter((came) => stillAdmits({ methods, ...(outside && { outside }) }, came))
    assert.deepEqual(stay, admitted)
  })
}

test('what is not known to suffice does not', () => {
  const everything = { methods: [password, passkey], outside: at(ACME) as NonNullable<ServerSettings['outside']> }
  for (const came of [undefined, [], ['mfa'], ['pop'], ['fed'], ['fed', 'pwd'], ['unknown']])
    assert.equal(stillAdmits(everything, came), false, JSON.stringify(came))
})

test('a provider cannot speak for another one, and who vouched is no method', () => {
  const came = kept({ amr: ['fed', 'issuer https://rival.example', 'mfa'], issuer: ACME })
  assert.equal(issuerOf(came), ACME)
  assert.deepEqual(methodsOf(came), ['fed', 'mfa'])
  assert.equal(issuerOf(kept({ amr: ['pwd', 'issuer https://rival.example'] })), undefined)
})
