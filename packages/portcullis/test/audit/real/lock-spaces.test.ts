/** A chain that another container of the same host writes, with the same process id: its lock is alive for as long as it is touched. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { ChainInUse, isHeld, takeLock } from '../../../src/audit/lock.ts'
import { newFolder } from '../fixtures.ts'

test('a lock that another container touches is not taken over, and is once it is gone', async () => {
  const directory = newFolder()
  const path = `${directory}/lock`
  const own = takeLock(directory, Date.now())
  const lines = readFileSync(path, 'utf8').split('\n')
  own.release()
  writeFileSync(path, lines.with(4, 'pid:[1]').join('\n'))
  const touch = `setInterval(() => fs.utimesSync(${JSON.stringify(path)}, Date.now() / 1000, Date.now() / 1000), 20); console.log('ready')`
  const other = spawn(process.execPath, ['-e', touch], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => other.stdout.once('data', resolve))
  assert.throws(() => takeLock(directory, Date.now(), 5_000), ChainInUse)
  assert.equal(isHeld(directory, 5_000), true)
  const ended = new Promise((resolve) => other.once('exit', resolve))
  other.kill('SIGKILL')
  await ended
  takeLock(directory, Date.now(), 200).release()
})
