/** What runs in the thread that seals parts of a backup. */
import { constants, setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { BackupError } from './backup-error.ts'
import { type PackJob, packPart } from './pack.ts'
import type { PackReport } from './pack-thread.ts'
import { type Sealer, sealer } from './seal.ts'

/** Said at most so often: each word wakes the gateway. */
const TELL_BYTES = 4_194_304

const say = (report: PackReport): void => parentPort?.postMessage(report, [])

/** After so much, calls get the processor and the disk for three times as long as it took. */
const SPELL_BYTES = 1_048_576
const PAUSE_FACTOR = 3

// On Linux this is about this thread alone.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_LOW)
const whom = begin()
if (whom !== undefined) parentPort?.on('message', (job: PackJob) => void work(job, whom))

function begin(): Sealer | undefined {
  try {
    const made = sealer({ recipients: workerData as readonly string[] })
    say({ kinds: made.kinds })
    return made
  } catch (thrown) {
    fail(thrown)
    return undefined
  }
}

async function work(job: PackJob, seal: Sealer): Promise<void> {
  let untold = 0
  let [spell, began] = [0, performance.now()]
  const told = async (bytes: number) => {
    untold += bytes
    spell += bytes
    if (untold >= TELL_BYTES) {
      say({ bytes: untold })
      untold = 0
    }
    if (spell < SPELL_BYTES) return
    await pause(PAUSE_FACTOR * (performance.now() - began))
    ;[spell, began] = [0, performance.now()]
  }
  try {
    const part = await packPart(job, seal, told)
    say({ bytes: untold })
    say({ part })
  } catch (thrown) {
    fail(thrown)
  }
}

function fail(thrown: unknown): void {
  const failed = thrown instanceof Error ? thrown.message : String(thrown)
  say(thrown instanceof BackupError ? { failed, code: thrown.code } : { failed })
}
