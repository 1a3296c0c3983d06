import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHostRule } from '../../src/core/host-rule.ts'

for (const rule of [
  '*.co.uk',
  '*.com.au',
  '*.or.jp',
  '*.github.io',
  '*.s3.amazonaws.com',
  '*.trycloudflare.com',
  '*.nip.io',
]) {
  test(`${rule} is refused, because anyone can have a name below`, () => {
    assert.match(checkHostRule(rule) ?? '', /anyone/)
  })
}

for (const rule of [
  '*.example.co.uk',
  '*.github.com',
  '*.my-bucket.s3.amazonaws.com',
  'me.github.io',
  'github.io',
  '*.corp.internal',
]) {
  test(`${rule} may be a rule`, () => assert.equal(checkHostRule(rule), undefined))
}
