import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { collectFiles, readOutput } from '../../../src/upstream/code/collect.ts'
import { layOut } from '../../../src/upstream/code/lay-out.ts'
import { LIMITS, scratchFolder } from './limits.ts'

async function laidOut(t: TestContext, files: Readonly<Record<string, string>> = {}) {
  const folder = scratchFolder(t)
  const given = Object.entries(files).map(([path, content]) => ({ path, bytes: Buffer.from(content) }))
  const snippet = { language: 'shell', code: 'true', stdin: 'in', files: given, timeoutMs: 1 } as const
  const made = await layOut(folder, snippet, undefined)
  t.after(() => Promise.all([made.stdout.close(), made.stderr.close()]))
  return { made, folder, write: (path: string, content: string | Buffer) => writeFileSync(join(folder, path), content) }
}

describe('collectFiles', () => {
  it('gives back what is new or changed, and neither what was given nor what is the snippet itself', async (t) => {
    const { made, write, folder } = await laidOut(t, { same: 'same', changed: 'before', 'd/gone': 'x' })
    write('changed', 'after!')
    rmSync(join(folder, 'd/gone'))
    write('d/new', 'ä')
    write('bytes', Buffer.from([0xff]))
    write('zeros', '\0')
    assert.deepEqual(await collectFiles(made, LIMITS), {
      files: [
        { path: 'bytes', size: 1, base64: '/w==' },
        { path: 'changed', size: 6, content: 'after!' },
        { path: 'd/new', size: 2, content: 'ä' },
        { path: 'zeros', size: 1, base64: 'AA==' },
      ],
      truncated: false,
    })
  })

  it('follows no link, whatever it leads to', async (t) => {
    const { made, folder } = await laidOut(t)
    symlinkSync('/etc/hostname', join(folder, 'file'))
    symlinkSync('/etc', join(folder, 'folder'))
    rmSync(join(folder, '.run'), { recursive: true })
    symlinkSync('/etc', join(folder, '.run'))
    assert.deepEqual(await collectFiles(made, LIMITS), { files: [], truncated: false })
  })

  it('names a file that is too large, and gives the others', async (t) => {
    const { made, write } = await laidOut(t)
    write('a', 'x'.repeat(LIMITS.maxReturnedBytes + 1))
    write('b', 'b')
    assert.deepEqual(await collectFiles(made, LIMITS), {
      files: [
        { path: 'a', size: LIMITS.maxReturnedBytes + 1 },
        { path: 'b', size: 1, content: 'b' },
      ],
      truncated: true,
    })
  })

  it('gives no more files than allowed', async (t) => {
    const { made, write } = await laidOut(t)
    for (const name of 'abcde') write(name, '')
    const { files, truncated } = await collectFiles(made, LIMITS)
    assert.deepEqual([files.length, truncated], [LIMITS.maxFiles, true])
  })

  it('leaves out names that a caller could not have given', async (t) => {
    const { made, folder } = await laidOut(t)
    writeFileSync(join(folder, 'a\nb'), '')
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), '')
    mkdirSync(join(folder, 'a/b/c/d/e/f/g/h/i'), { recursive: true })
    assert.deepEqual(await collectFiles(made, LIMITS), { files: [], truncated: true })
  })

  it('notices a change behind times that were set back', async (t) => {
    const { made, folder } = await laidOut(t, { given: 'one' })
    const { utimesSync, statSync } = await import('node:fs')
    const { atime, mtime } = statSync(join(folder, 'given'))
    await new Promise((resolve) => setTimeout(resolve, 20))
    writeFileSync(join(folder, 'given'), 'two')
    utimesSync(join(folder, 'given'), atime, mtime)
    const { files } = await collectFiles(made, LIMITS)
    assert.deepEqual(files, [{ path: 'given', size: 3, content: 'two' }])
  })

  it('says that something is missing when a folder was closed to the gateway', async (t) => {
    const { made, folder } = await laidOut(t)
    mkdirSync(join(folder, 'closed'), { mode: 0 })
    // No mode closes a folder to root.
    assert.deepEqual(await collectFiles(made, LIMITS), { files: [], truncated: process.getuid?.() !== 0 })
    chmodSync(join(folder, 'closed'), 0o700)
  })
})

describe('readOutput', () => {
  it('reads the file that was opened, whatever has its name now', async (t) => {
    const { made, folder } = await laidOut(t)
    appendFileSync(join(folder, '.run/stdout'), 'real')
    rmSync(join(folder, '.run/stdout'))
    symlinkSync('/etc/hostname', join(folder, '.run/stdout'))
    assert.deepEqual(await readOutput(made.stdout, 100), { text: 'real', truncated: false })
  })

  it('cuts between characters and replaces bytes that are none', async (t) => {
    const { made, write } = await laidOut(t)
    write('.run/stdout', 'aää')
    assert.deepEqual(await readOutput(made.stdout, 4), { text: 'aä', truncated: true })
    write('.run/stderr', Buffer.from([0x61, 0xff, 0, 0x1b, 0xc3]))
    assert.deepEqual(await readOutput(made.stderr, 5), { text: 'a\ufffd\ufffd\ufffd\ufffd', truncated: false })
  })

  it('reads no more than its limit of a file with a hole', async (t) => {
    const { made, folder } = await laidOut(t)
    truncateSync(join(folder, '.run/stdout'), 1 << 30)
    const { text, truncated } = await readOutput(made.stdout, 100)
    assert.deepEqual([text.length, truncated], [100, true])
  })
})
