import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { problemOfAsk } from '../../src/mcp/police.ts'

const ALL = { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } }
const form = (properties: object) => ({ message: 'Please', requestedSchema: { type: 'object', properties } })
const url = (link: unknown) => ({ mode: 'url', url: link, message: 'Open' })

describe('a question of an upstream', () => {
  it('passes when the client declared it', () => {
    assert.equal(problemOfAsk('sampling/createMessage', {}, ALL), undefined)
    assert.equal(problemOfAsk('roots/list', {}, ALL), undefined)
    assert.equal(problemOfAsk('elicitation/create', form({ colour: { type: 'string' } }), ALL), undefined)
    assert.equal(problemOfAsk('elicitation/create', url('https://a.example/consent'), ALL), undefined)
  })

  it('passes as a form when elicitation was declared without saying how', () => {
    assert.equal(problemOfAsk('elicitation/create', form({ colour: {} }), { elicitation: {} }), undefined)
  })

  const refused: readonly [
    name: string,
    method: unknown,
    params: Record<string, unknown>,
    capabilities: Record<string, unknown>,
  ][] = [
    ['sampling that was not declared', 'sampling/createMessage', {}, {}],
    ['roots that were not declared', 'roots/list', {}, { roots: true }],
    ['a form that was not declared', 'elicitation/create', form({}), {}],
    ['a form where only links were declared', 'elicitation/create', form({}), { elicitation: { url: {} } }],
    [
      'a link where only forms were declared',
      'elicitation/create',
      url('https://a.example'),
      { elicitation: { form: {} } },
    ],
    ['an http link', 'elicitation/create', url('http://a.example'), ALL],
    ['a script link', 'elicitation/create', url('javascript:alert(1)'), ALL],
    ['a link with credentials', 'elicitation/create', url('https://user:pass@a.example'), ALL],
    ['a link that is none', 'elicitation/create', url('a.example'), ALL],
    ['no link', 'elicitation/create', url(undefined), ALL],
    ['an unknown method', 'tools/call', {}, ALL],
    ['no method', undefined, {}, ALL],
  ]
  for (const [name, method, params, capabilities] of refused) {
    it(`is refused: ${name}`, () => assert.equal(typeof problemOfAsk(method, params, capabilities), 'string'))
  }

  for (const field of ['password', 'apiKey', 'api_key', 'client_secret', 'access-key', 'Token', 'seed_phrase', 'cvv']) {
    it(`is refused when its form asks for ${field}`, () => {
      assert.match(String(problemOfAsk('elicitation/create', form({ [field]: { type: 'string' } }), ALL)), /secret/)
    })
  }

  it('is refused when a field is a password by format or by title', () => {
    assert.match(String(problemOfAsk('elicitation/create', form({ a: { format: 'password' } }), ALL)), /secret/)
    assert.match(String(problemOfAsk('elicitation/create', form({ a: { title: 'Your API key' } }), ALL)), /secret/)
  })
})
