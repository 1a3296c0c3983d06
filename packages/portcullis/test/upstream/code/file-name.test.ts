import assert from 'node:assert/strict'
import { isAbsolute, join, normalize } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clashOf, flawOfName, foldersOf } from '../../../src/upstream/code/file-name.ts'

describe('names of files', () => {
  for (const name of [
    'a',
    'a b.txt',
    'data/2026/x.csv',
    '.hidden',
    '...',
    '-rf',
    'ä/日本.txt',
    'snippet.txt',
    'a/snippet.js',
  ])
    it(`may be ${JSON.stringify(name)}`, () => assert.equal(flawOfName(name), undefined))

  const bad = [
    ...['', '/', '/a', '.', '..', './a', 'a/.', 'a/..', 'a/../b', '../a', 'a//b', 'a/', '\\a', 'a\\..\\b'],
    ...['a\0b', 'a\nb', 'a\x7f', 'a\u202eb', 'a\u2028', '\ud800', 'x'.repeat(201), 'a/b/c/d/e/f/g/h/i'],
    ...['.run', '.run/stdout', 'snippet.js', 'snippet.py', 'snippet.sh', `${'x'.repeat(180)}/`.repeat(3) + 'x'],
  ]
  for (const name of bad)
    it(`may not be ${JSON.stringify(name).slice(0, 30)}`, () => assert.notEqual(flawOfName(name), undefined))

  it('lead, whatever they are, to a place inside the folder that no other spelling leads to', () => {
    const piece = fc.oneof(fc.constantFrom('.', '..', '/', '\\', '\0', 'a', '.run', ' '), fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const name = pieces.join('')
        if (flawOfName(name) !== undefined) return
        assert.ok(!isAbsolute(name))
        assert.equal(normalize(name), name)
        assert.ok(join('/call', name).startsWith('/call/'))
        assert.ok(!name.includes('\0'))
      }),
    )
  })

  it('clash when one occurs twice or lies in a file', () => {
    assert.equal(clashOf(['a', 'b/c', 'b/d']), undefined)
    assert.equal(clashOf(['a', 'b', 'a']), 'a')
    assert.equal(clashOf(['a/b/c', 'a/b']), 'a/b/c')
    assert.equal(clashOf(['a/b/c', 'a']), 'a/b/c')
  })

  it('tell their folders, the outermost first', () => {
    assert.deepEqual(foldersOf('a/b/c'), ['a', 'a/b'])
    assert.deepEqual(foldersOf('a'), [])
  })
})
