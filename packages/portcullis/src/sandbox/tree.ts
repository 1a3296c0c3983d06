/** How the processes of one bubblewrap sandbox are reached from outside, and how their end is known. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup } from './cgroup/group.ts'
import type { StartedChild } from './child.ts'
import { sweepStranded } from './mark.ts'
import type { ProcessTree } from './process.ts'
import type { SandboxStatus } from './status.ts'

/** If process 1 could not be killed by then, killing bwrap does it (PR_SET_PDEATHSIG). */
const MONITOR_GRACE_MS = 1000
const GONE_TRIES = 200
const GONE_PAUSE_MS = 5

/**
 * Killing process 1 of a process namespace kills all of it, daemons included (pid_namespaces(7)), and bwrap ends only
 * after process 1 is reaped. So that one is killed, and bwrap only while there is none or when that did not help.
 */
export function bubblewrapTree(child: StartedChild, status: SandboxStatus, cgroup: Cgroup): ProcessTree {
  let initPid: number | undefined
  void status.initPid.then((pid) => {
    initPid = pid
  })
  const isRunning = () => child.process.exitCode === null && child.process.signalCode === null
  const killMonitor = () => child.process.kill('SIGKILL')

  return {
    terminate: () => {
      const command = initPid === undefined || !isRunning() ? undefined : firstChildOf(initPid)
      if (command !== undefined) signal(command, 'SIGTERM')
    },
    kill: () => {
      if (!isRunning()) return
      if (initPid === undefined || !signal(initPid, 'SIGKILL')) killMonitor()
      else setTimeout(killMonitor, MONITOR_GRACE_MS).unref()
    },
    conclude: async () => {
      if (initPid !== undefined) await gone(initPid)
      else sweepStranded()
      await cgroup.destroy()
      if (cgroup.refusals().memory > 0) return 'out-of-memory'
      return status.ran ? 'exited' : 'setup-failed'
    },
    refusals: cgroup.refusals,
  }
}

/** The command itself; process 1 is bwrap, which reaps. */
function firstChildOf(pid: number): number | undefined {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    return Number(first) || undefined
  } catch {
    return undefined
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** Only needed when bwrap itself was killed: otherwise it has waited. */
async function gone(pid: number): Promise<void> {
  for (let attempt = 0; attempt < GONE_TRIES && hasProcess(pid); attempt++) await sleep(GONE_PAUSE_MS)
}

/** A zombie has nothing left; in a container without an init process nobody may reap it. */
function hasProcess(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return status[status.lastIndexOf(')') + 2] !== 'Z'
  } catch {
    return false
  }
}
