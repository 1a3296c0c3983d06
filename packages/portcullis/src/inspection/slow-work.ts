/** The other end of `slow-thread.ts`, inside the thread. */
import { parentPort } from 'node:worker_threads'
import type { SlowReport } from './slow-thread.ts'

/** Answers each task by what `work` returns; what it throws fails that task alone. */
export function answerTasks(work: (task: never) => unknown): void {
  const report = (task: unknown): SlowReport<unknown> => {
    try {
      return { answer: work(task as never) }
    } catch (thrown) {
      return { failed: String(thrown) }
    }
  }
  parentPort?.on('message', (task: unknown) => parentPort?.postMessage(report(task), []))
}
