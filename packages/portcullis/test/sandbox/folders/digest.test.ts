import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { digestOf, MAX_DIGEST_BYTES } from '../../../src/sandbox/folders/digest.ts'
import { digestOf as expected, makeFolder, removeFolder } from './tree-of-files.ts'

const folder = makeFolder()
after(() => removeFolder(folder))

const NONE = [
  ['a folder', (path: string) => mkdirSync(path)],
  ['a link to a file', (path: string) => symlinkSync('/etc/passwd', path)],
  ['a pipe that nobody writes to', (path: string) => execFileSync('mkfifo', [path])],
  ['a file of more than 1 MiB', (path: string) => writeFileSync(path, Buffer.alloc(MAX_DIGEST_BYTES + 1))],
  ['nothing', () => {}],
] as const

for (const [what, make] of NONE) {
  it(`${what} has no digest, and no descriptor stays open`, () => {
    make(join(folder, what))
    const before = readdirSync('/proc/self/fd').length
    assert.equal(digestOf(folder, what), undefined)
    assert.equal(readdirSync('/proc/self/fd').length, before)
  })
}

it('a file that is swapped with a link all the time is digested as itself or not at all', () => {
  const [file, link, place] = ['file', 'link', 'place'].map((name) => join(folder, name)) as [string, string, string]
  writeFileSync(file, 'inside')
  symlinkSync('/etc/passwd', link)
  renameSync(file, place)
  const seen = new Set<string | undefined>()
  for (let round = 0; round < 200; round++) {
    seen.add(digestOf(folder, 'place')?.digest)
    if (round % 2 === 0) {
      renameSync(place, file)
      renameSync(link, place)
    } else {
      renameSync(place, link)
      renameSync(file, place)
    }
  }
  assert.deepEqual(seen, new Set([expected('inside'), undefined]))
})
