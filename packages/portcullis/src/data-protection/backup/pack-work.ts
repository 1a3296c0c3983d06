/** What runs in the thread that seals parts of a backup. */
import { parentPort, workerData } from 'node:worker_threads'
import { BackupError } from './backup-error.ts'
import { type PackJob, packPart } from './pack.ts'
import type { PackReport } from './pack-thread.ts'
import { type Sealer, sealer } from './seal.ts'

/** Said at most so often: each word wakes the gateway. */
const TELL_BYTES = 4_194_304

const say = (report: PackReport): void => parentPort?.postMessage(report, [])

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
  const told = (bytes: number) => {
    untold += bytes
    if (untold < TELL_BYTES) return
    say({ bytes: untold })
    untold = 0
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
