/** Decides where parts are sealed while a gateway serves: in a thread of its own, so that no call waits for the arithmetic. */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { BackupError, type BackupErrorCode } from './backup-error.ts'
import type { PackedPart, PackJob } from './pack.ts'
import type { Packer } from './write-backup.ts'

/** What the thread says: how far it is, what came of a part, or why nothing did. */
export type PackReport =
  | { readonly kinds: readonly string[] }
  | { readonly bytes: number }
  | { readonly part: PackedPart }
  | { readonly failed: string; readonly code?: BackupErrorCode }

export interface PackThread extends Packer {
  close(): Promise<void>
}

const MEMORY_MB = 256

/** Recipients only: a passphrase has no place in a gateway. Rejects with BackupError for a recipient that is none. */
export async function packThread(recipients: readonly string[]): Promise<PackThread> {
  const work = new URL(`./pack-work${extname(import.meta.url)}`, import.meta.url)
  const resourceLimits = { maxOldGenerationSizeMb: MEMORY_MB }
  const worker = new Worker(work, { workerData: recipients, resourceLimits, env: {}, stdin: false })
  const { kinds } = (await answerOf(worker, 'kinds')) as { readonly kinds: readonly string[] }
  return {
    kinds,
    async pack(job: PackJob, told) {
      const answer = answerOf(worker, 'part', told)
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(job)
      return ((await answer) as { readonly part: PackedPart }).part
    },
    close: async () => void (await worker.terminate()),
  }
}

function answerOf(
  worker: Worker,
  wanted: 'kinds' | 'part',
  told: (bytes: number) => void = () => {},
): Promise<PackReport> {
  return new Promise((resolve, reject) => {
    const hear = (report: PackReport) => {
      if ('bytes' in report) return told(report.bytes)
      if (wanted in report) return settle(() => resolve(report))
      if ('failed' in report) settle(() => reject(failureOf(report)))
    }
    const fail = (cause: unknown) => settle(() => reject(cause))
    const gone = () => fail(new Error('the thread that seals a backup has ended'))
    const settle = (then: () => void) => {
      worker.off('message', hear)
      worker.off('error', fail)
      worker.off('exit', gone)
      then()
    }
    worker.on('message', hear)
    worker.on('error', fail)
    worker.on('exit', gone)
  })
}

const failureOf = ({ failed, code }: { readonly failed: string; readonly code?: BackupErrorCode }): Error =>
  code === undefined ? new Error(failed) : new BackupError(code, failed)
