/** Orphans: when the process of the gateway is killed without a chance, nothing that it started lives on. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool } from '../fixtures/client.ts'
import { serveFrom } from '../fixtures/served.ts'
import { verdictsOf } from '../fixtures/audit.ts'

const SERVER = join(import.meta.dirname, '../fixtures/hostile-stdio.ts')

test('kill -9 of a gateway leaves no process of its servers, and chains that verify', async (t) => {
  const mark = `orphan-of-${process.pid}-${Date.now()}`
  const gateway = await serveFrom(t, [{ name: 'hostile', command: [process.execPath, SERVER], readable: [SERVER] }])
  const reply = await callTool(gateway, 'detach', { mark })
  assert.equal(reply.json.result.content[0].text, 'did: detached')
  const pid = gateway.process.pid as number
  while (!descendants(pid).some((child) => commandOf(child).includes(mark))) await sleep(10)
  const left = descendants(pid)
  assert.ok(left.length >= 3, 'the confiner, the server and what the server left behind')
  process.kill(pid, 'SIGKILL')
  while (left.some((child) => commandOf(child) !== '')) await sleep(10)
  assert.ok(!readdirSync('/proc').some((one) => commandOf(Number(one)).includes(mark)))
  const verdicts = verdictsOf(gateway)
  assert.ok(verdicts.size > 0)
  for (const [chain, verdict] of verdicts) assert.ok(verdict.sound, `${chain}: ${JSON.stringify(verdict)}`)
})

/** All processes below one, by the parents that the kernel names. */
function descendants(pid: number): readonly number[] {
  const parents = new Map(readdirSync('/proc').map((one) => [Number(one), parentOf(one)]))
  const found = [pid]
  for (const parent of found) {
    for (const [child, itsParent] of parents) if (itsParent === parent && child > 0) found.push(child)
  }
  return found.slice(1)
}

function parentOf(pid: string): number | undefined {
  try {
    const [, , , parent] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, 'name')
      .split(' ')
    return Number(parent)
  } catch {
    return undefined
  }
}

/** Empty for a process that is gone, and for one that is only waited for. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
