import assert from 'node:assert/strict'
import { lstatSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderNode } from '../../../src/sandbox/folders/nodes.ts'
import { Watches } from '../../../src/sandbox/folders/watches.ts'
import { makeFolder, removeFolder } from './tree-of-files.ts'

const folder = makeFolder()
after(() => removeFolder(folder))

function watched(maxFolders = 10) {
  const told: string[] = []
  const watches = new Watches({ maxFolders, onNotice: () => told.push('notice'), onLoss: (cause) => told.push(cause) })
  return { watches, told, node: folderNode('', undefined, lstatSync(folder), 0) }
}

it('the names of what happened are kept until they are taken, and told of once', async () => {
  const { watches, told, node } = watched()
  watches.add(node, folder)
  writeFileSync(join(folder, 'a'), 'x')
  writeFileSync(join(folder, 'b'), 'x')
  while (told.length === 0) await sleep(1)
  await sleep(5)
  assert.deepEqual(watches.take(), new Map([[node, new Set(['a', 'b'])]]))
  assert.deepEqual(watches.take(), new Map())
  assert.deepEqual(told, ['notice'])
  watches.stop()
})

it('more folders than may be watched end the watching', () => {
  const { watches, told, node } = watched(1)
  watches.add(node, folder)
  watches.add(folderNode('more', node, lstatSync(folder), 0), folder)
  assert.deepEqual([told, watches.isWatching, node.watch], [['limit'], false, undefined])
})

it('a folder that the host does not let us watch ends the watching', () => {
  const { watches, told, node } = watched()
  watches.add(node, join(folder, 'missing'))
  assert.deepEqual([told, watches.isWatching], [['limit'], false])
})

it('nothing is noted after the end, and watching can begin again', async () => {
  const { watches, told, node } = watched()
  watches.add(node, folder)
  watches.stop()
  writeFileSync(join(folder, 'c'), 'x')
  await sleep(20)
  assert.deepEqual([told, watches.take().size], [[], 0])
  watches.restart()
  watches.add(node, folder)
  writeFileSync(join(folder, 'd'), 'x')
  while (told.length === 0) await sleep(1)
  watches.stop()
})
