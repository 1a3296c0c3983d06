import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ownMark } from '../../../src/sandbox/mark.ts'
import { removeTree } from '../../../src/upstream/code/remove-tree.ts'
import { Scratch } from '../../../src/upstream/code/scratch.ts'
import { scratchFolder } from './limits.ts'

function setUp(t: TestContext) {
  const parent = scratchFolder(t)
  const warned: unknown[] = []
  return { parent, warned, scratch: new Scratch({ parent, warn: (...facts) => warned.push(facts) }) }
}
/** Of this process namespace, and of a process that does not exist any more. */
const deadMark = () => ownMark().replace(/-\d+-\d+$/, '-999999999-1')

describe('Scratch', () => {
  it('gives each call a folder of its own, and leaves nothing behind', async (t) => {
    const { parent, scratch, warned } = setUp(t)
    const [one, two] = [await scratch.folder(), await scratch.folder()]
    assert.notEqual(one, two)
    assert.equal(statSync(one).mode & 0o777, 0o700)
    writeFileSync(join(one, 'a'), '')
    await scratch.remove(one)
    assert.equal(existsSync(one), false)
    writeFileSync(join(two, 'left'), '')
    await scratch.close()
    assert.deepEqual(readdirSync(parent), [])
    assert.deepEqual(warned, [])
  })

  it('removes what a gateway that is gone has left, and nothing else', async (t) => {
    const { parent, scratch } = setUp(t)
    const make = (name: string, owner?: string) => {
      mkdirSync(join(parent, name, '1'), { recursive: true })
      writeFileSync(join(parent, name, '1', 'file'), '')
      if (owner !== undefined) writeFileSync(join(parent, name, 'owner'), owner)
    }
    make('portcullis-code-dead', deadMark())
    make('portcullis-code-alive', ownMark())
    make('portcullis-code-elsewhere', 'portcullis-1-999999999-1')
    make('portcullis-code-nameless')
    make('other', deadMark())
    symlinkSync(join(parent, 'other'), join(parent, 'portcullis-code-link'))
    await scratch.open()
    const left = readdirSync(parent).filter((name) => !/^portcullis-code-.{6}$/.test(name))
    assert.deepEqual(left.sort(), [
      'other',
      'portcullis-code-alive',
      'portcullis-code-elsewhere',
      'portcullis-code-link',
      'portcullis-code-nameless',
    ])
    assert.deepEqual(readdirSync(join(parent, 'other')).sort(), ['1', 'owner'])
  })

  it('is refused where no folder can be made, and tries again', async (t) => {
    const { parent } = setUp(t)
    const later = join(parent, 'later')
    const scratch = new Scratch({ parent: later, warn: () => {} })
    await assert.rejects(scratch.folder(), { code: 'ENOENT' })
    mkdirSync(later)
    assert.ok(existsSync(await scratch.folder()))
  })
})

describe('removeTree', () => {
  it('removes folders that nobody may read, links without following them, and names that are no text', async (t) => {
    const parent = scratchFolder(t)
    const kept = join(parent, 'kept')
    writeFileSync(kept, 'kept')
    const folder = join(parent, 'folder')
    mkdirSync(join(folder, 'a', 'b'), { recursive: true })
    writeFileSync(join(folder, 'a', 'b', 'c'), '')
    symlinkSync(kept, join(folder, 'link'))
    symlinkSync(parent, join(folder, 'a', 'up'))
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe])]), '')
    chmodSync(join(folder, 'a', 'b'), 0)
    chmodSync(join(folder, 'a'), 0)
    chmodSync(folder, 0)
    await removeTree(folder)
    assert.deepEqual(readdirSync(parent), ['kept'])
    assert.equal(readFileSync(kept, 'utf8'), 'kept')
  })

  it('removes a tree that is deeper than a path can be long', async (t) => {
    const parent = scratchFolder(t)
    const part = 'x'.repeat(200)
    // From the inside out: a folder is moved into the next one, so that no path is ever long.
    mkdirSync(join(parent, 'tree'))
    const { renameSync } = await import('node:fs')
    for (let depth = 0; depth < 40; depth++) {
      mkdirSync(join(parent, 'outer'))
      renameSync(join(parent, 'tree'), join(parent, 'outer', part))
      renameSync(join(parent, 'outer'), join(parent, 'tree'))
    }
    await removeTree(join(parent, 'tree'))
    assert.deepEqual(readdirSync(parent), [])
  })
})
