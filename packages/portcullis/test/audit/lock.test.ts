import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { ChainInUse, takeLock } from '../../src/audit/lock.ts'
import { newFolder } from './fixtures.ts'

/** The five lines of a lock of this process, some of them changed. */
function lockWith(change: (lines: string[]) => void): string {
  const directory = newFolder()
  const lock = takeLock(directory, Date.now())
  const lines = readFileSync(`${directory}/lock`, 'utf8').split('\n')
  lock.release()
  change(lines)
  writeFileSync(`${directory}/lock`, lines.join('\n'))
  return directory
}

test('a lock that is held is not given again, and is free once released', () => {
  const directory = newFolder()
  const lock = takeLock(directory, Date.now())
  assert.throws(() => takeLock(directory, Date.now()), ChainInUse)
  lock.release()
  assert.equal(existsSync(`${directory}/lock`), false)
  takeLock(directory, Date.now()).release()
})

const STALE: ReadonlyArray<readonly [title: string, change: (lines: string[]) => void]> = [
  ['whose process is gone', (lines) => lines.splice(2, 1, '4194305')],
  ['whose process id was given to another process', (lines) => lines.splice(3, 1, '1')],
  ['from before the machine was restarted', (lines) => lines.splice(1, 1, '00000000-0000')],
  ['that was never finished', (lines) => lines.splice(0, 4, '')],
]

for (const [title, change] of STALE) {
  test(`a lock ${title} is taken over`, () => {
    const directory = lockWith(change)
    const lock = takeLock(directory, Date.now())
    assert.equal(readFileSync(`${directory}/lock`, 'utf8').split('\n')[2], String(process.pid))
    lock.release()
    assert.equal(existsSync(`${directory}/lock.takeover`), false)
  })
}

test('a lock of another host is never taken over', () => {
  const directory = lockWith((lines) => lines.splice(0, 1, `not-${hostname()}`))
  assert.throws(() => takeLock(directory, Date.now()), /was opened on host not-/)
})

test('a lock of another container is watched, and taken over when nobody touches it', () => {
  const directory = lockWith((lines) => lines.splice(4, 1, 'pid:[1]'))
  takeLock(directory, Date.now(), 60).release()
})

test('a lock of whoever is in no container is not taken over by one', () => {
  const space = 'pid:[4026531836]'
  const isThere = readlinkSync('/proc/self/ns/pid') === space
  const directory = lockWith((lines) => lines.splice(4, 1, space))
  if (isThere) return assert.throws(() => takeLock(directory, Date.now(), 60), /process \d+ already writes/)
  assert.throws(() => takeLock(directory, Date.now(), 60), /another container of this machine/)
})

test('two that find a stale lock do not both get it', () => {
  const directory = lockWith((lines) => lines.splice(2, 1, '4194305'))
  writeFileSync(`${directory}/lock.takeover`, '')
  assert.throws(() => takeLock(directory, Date.now()), /is taking over/)
  const past = Date.now() / 1000 - 60
  utimesSync(`${directory}/lock.takeover`, past, past)
  takeLock(directory, Date.now()).release()
})

test('a lock that somebody else has taken by force is not removed on release', () => {
  const directory = newFolder()
  const lock = takeLock(directory, Date.now())
  writeFileSync(`${directory}/lock`, 'somebody else')
  lock.release()
  assert.equal(readFileSync(`${directory}/lock`, 'utf8'), 'somebody else')
})
