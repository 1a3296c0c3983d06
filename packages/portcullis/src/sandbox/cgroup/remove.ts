/** How control groups end: emptied, removed, and found again when a gateway was killed before it could. */
import { constants, readdirSync } from 'node:fs'
import { readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMarkOfDead } from '../mark.ts'
import type { CgroupHost } from './host.ts'

const REMOVAL_TRIES = 200
const REMOVAL_PAUSE_MS = 5
/** Whatever is in a group by then has outlived its sandbox. */
const TRIES_BEFORE_KILL = 4

/** Removes a group, and kills what does not leave it. The kernel keeps it busy until its last process is reaped. */
export async function removeGroup(directory: string): Promise<void> {
  for (let attempt = 0; attempt < REMOVAL_TRIES; attempt++) {
    const problem = await rmdir(directory).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    )
    if (problem !== 'EBUSY') return
    if (attempt % TRIES_BEFORE_KILL === TRIES_BEFORE_KILL - 1) await killMembers(directory)
    await sleep(REMOVAL_PAUSE_MS)
  }
}

/** Kills and removes groups of gateways that are gone. Returns how many. Call it once, before the first launch. */
export async function sweepCgroups(host: CgroupHost): Promise<number> {
  let swept = 0
  const controllers = [host.memory, host.processes, host.cpu, host.cpuTime, host.freezer]
  for (const directory of new Set(controllers.map((controller) => controller?.directory))) {
    if (directory === undefined) continue
    for (const name of readdirSync(directory).filter(isMarkOfDead)) {
      await killMembers(join(directory, name))
      await removeGroup(join(directory, name))
      swept++
    }
  }
  return swept
}

/** Version 2 kills all at once since Linux 5.14. */
async function killMembers(directory: string): Promise<void> {
  await writeFile(join(directory, 'cgroup.kill'), '1', { flag: constants.O_WRONLY }).catch(() => {})
  await writeFile(join(directory, 'freezer.state'), 'THAWED', { flag: constants.O_WRONLY }).catch(() => {}) // the frozen cannot die
  const members = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '')
  for (const pid of members.split('\n').map(Number)) {
    try {
      if (pid > 0 && pid !== process.pid) process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended in the meantime.
    }
  }
}
