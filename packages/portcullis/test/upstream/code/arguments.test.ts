import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NotASnippet, snippetOf } from '../../../src/upstream/code/arguments.ts'
import { LIMITS } from './limits.ts'

const file = (more: object) => ({ code: '', files: [{ path: 'a', content: '', ...more }] })

describe('snippetOf', () => {
  it('takes code alone', () => {
    assert.deepEqual(snippetOf('shell', { code: 'true' }, LIMITS), {
      language: 'shell',
      code: 'true',
      stdin: '',
      files: [],
      timeoutMs: 5_000,
    })
  })

  it('takes standard input, files as text and as bytes, and a shorter time', () => {
    const files = [
      { path: 'a/b.txt', content: 'ä' },
      { path: 'c', base64: '/wA=' },
    ]
    const snippet = snippetOf('python', { code: 'x', stdin: 'in', files, timeoutSeconds: 0.25 }, LIMITS)
    assert.equal(snippet.timeoutMs, 250)
    assert.deepEqual(
      snippet.files.map(({ path, bytes }) => [path, [...bytes]]),
      [
        ['a/b.txt', [0xc3, 0xa4]],
        ['c', [0xff, 0]],
      ],
    )
  })

  it('takes a large file as bytes', () => {
    const large = { ...LIMITS, maxFileBytes: 2 ** 24 }
    const base64 = Buffer.alloc(2 ** 24, 7).toString('base64')
    const [given] = snippetOf('python', { code: 'x', files: [{ path: 'a', base64 }] }, large).files
    assert.equal(given?.bytes.length, 2 ** 24)
  })

  const bad: Readonly<Record<string, unknown>> = {
    'no object': 'code',
    'no code': {},
    'code that is no text': { code: 1 },
    'half of a character': { code: '\ud800' },
    'code of too many bytes': { code: 'ä'.repeat(LIMITS.maxCodeBytes / 2 + 1) },
    'standard input that is too long': { code: '', stdin: 'x'.repeat(LIMITS.maxStdinBytes + 1) },
    'an unknown argument': { code: '', network: true },
    'no time': { code: '', timeoutSeconds: 0 },
    'a negative time': { code: '', timeoutSeconds: -1 },
    'a time that is no number': { code: '', timeoutSeconds: Number.NaN },
    'more time than is allowed': { code: '', timeoutSeconds: 5.001 },
    'files that are no list': { code: '', files: {} },
    'too many files': { code: '', files: ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, content: '' })) },
    'files that are too large together': {
      code: '',
      files: ['a', 'b'].map((path) => ({ path, content: 'x'.repeat(501) })),
    },
    'a file that is no object': { code: '', files: ['a'] },
    'a file without content': { code: '', files: [{ path: 'a' }] },
    'a file with two contents': file({ base64: '' }),
    'a file with an unknown member': file({ mode: 0o4755 }),
    'a path that is no text': file({ path: 1 }),
    'an absolute path': file({ path: '/etc/passwd' }),
    'a path that leads out': file({ path: '../a' }),
    'base64 with something else in it': { code: '', files: [{ path: 'a', base64: '/w A=' }] },
    'base64 that is not whole': { code: '', files: [{ path: 'a', base64: '/w' }] },
    'base64 that ends in the middle': { code: '', files: [{ path: 'a', base64: '/w==AAAA' }] },
    'base64 of signs for the end only': { code: '', files: [{ path: 'a', base64: '====' }] },
    'content that is no text': file({ content: 1 }),
    'a name that occurs twice': { code: '', files: ['a', 'a'].map((path) => ({ path, content: '' })) },
    'a name that is a file and a folder': { code: '', files: ['a/b', 'a'].map((path) => ({ path, content: '' })) },
  }
  for (const [title, args] of Object.entries(bad)) {
    it(`refuses ${title}`, () => assert.throws(() => snippetOf('shell', args, LIMITS), NotASnippet))
  }

  it('repeats nothing of what the caller wrote', () => {
    const secret = 'hunter2'
    for (const args of [{ code: '', [secret]: 1 }, file({ path: `/${secret}` }), file({ [secret]: 1 })]) {
      assert.throws(
        () => snippetOf('shell', args, LIMITS),
        (thrown: Error) => !thrown.message.includes(secret),
      )
    }
  })
})
