import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { accountName } from '../../../../src/identity/server/account-name.ts'
import { admissionProblem, textAt, verifiedEmail } from '../../../../src/identity/server/providers/provider-rules.ts'

const DOMAINS = { admit: { emailDomains: ['acme.example'] } }

for (const [what, claims] of [
  ['no address', { email_verified: true }],
  ['an address that is not verified', { email: 'a@acme.example', email_verified: false }],
  ['an address of which nothing is said', { email: 'a@acme.example' }],
  ['verified as a text', { email: 'a@acme.example', email_verified: 'true' }],
  ['verified as a number', { email: 'a@acme.example', email_verified: 1 }],
  ['a list of addresses', { email: ['a@acme.example'], email_verified: true }],
  ['another domain', { email: 'a@other.example', email_verified: true }],
  ['a longer domain', { email: 'a@evil-acme.example', email_verified: true }],
  ['a subdomain', { email: 'a@sub.acme.example', email_verified: true }],
  ['two ats', { email: 'a@acme.example@other.example', email_verified: true }],
  ['a space', { email: 'a@acme.example other@other.example', email_verified: true }],
  ['a line end', { email: 'a@acme.example\n', email_verified: true }],
] as const) {
  test(`${what} does not admit`, () => assert.notEqual(admissionProblem(DOMAINS, claims), undefined))
}

test('a verified address of the domain admits, in any case of letters', () => {
  assert.equal(admissionProblem(DOMAINS, { email: 'A.B@ACME.example', email_verified: true }), undefined)
  assert.equal(verifiedEmail({ email: 'A.B@ACME.example', email_verified: true }), 'a.b@acme.example')
})

test('of domains and groups both have to fit, of several groups one', () => {
  const groups = { claim: ['realm', 'groups'] as const, values: ['x', 'y'] }
  const rules = { admit: { emailDomains: ['acme.example'], groups } }
  const email = { email: 'a@acme.example', email_verified: true }
  assert.equal(admissionProblem(rules, { ...email, realm: { groups: ['y', 'z'] } }), undefined)
  assert.equal(admissionProblem(rules, { ...email, realm: { groups: 'x' } }), undefined)
  for (const realm of [undefined, {}, { groups: ['z'] }, { groups: [['x']] }, { groups: 'x y' }])
    assert.equal(admissionProblem(rules, { ...email, realm }), 'no allowed group')
  assert.notEqual(admissionProblem(rules, { realm: { groups: ['x'] } }), undefined)
})

test('members of objects that every object has are no groups', () => {
  const rules = { admit: { groups: { claim: 'constructor', values: ['Object'] } } }
  assert.equal(admissionProblem(rules, {}), 'no allowed group')
})

test('a name by an address needs a verified one; any other claim is taken as it is', () => {
  assert.equal(textAt({ email: 'a@b.example' }, 'email'), undefined)
  assert.equal(textAt({ email: 'a@b.example', email_verified: true }, 'email'), 'a@b.example')
  assert.equal(textAt({ nickname: 'a' }, 'nickname'), 'a')
  assert.equal(textAt({ nickname: 7 }, 'nickname'), undefined)
})

test('whatever a provider says, an admitted address ends with an allowed domain', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.emailAddress(), fc.string()),
      fc.constantFrom('', '@acme.example', '.acme.example'),
      (local, end) => {
        const claims = { email: local + end, email_verified: true }
        if (admissionProblem(DOMAINS, claims) === undefined) {
          assert.match(claims.email, /^[^@\s]+@acme\.example$/i)
          accountName(claims.email)
        }
      },
    ),
  )
})
